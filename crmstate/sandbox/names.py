"""What things in a seeded world are called: people and companies in several scripts, and names that try to do harm.
Only data.
"""

from __future__ import annotations

GIVEN = (
    "Anna",
    "Jürgen",
    "伟",
    "Zoë",
    "Łukasz",
    "小明",
    "Günther",
    "Maria",
    "José",
    "秀英",
    "Søren",
    "Fatima",
    "Émile",
    "Olga",
    "芳",
    "Tom",
)
FAMILY = (
    "Müller",
    "王",
    "O'Brien",
    "Groß",
    "李",
    "Smith",
    "Öztürk",
    "张伟",
    "García",
    "Nguyễn",
    "陈",
    "Schröder",
    "Ivanova",
    "刘",
    "Koç",
    "Lee",
)
COMPANIES = (
    "Bäckerei Groß & Söhne", "上海电子有限公司", "Acme GmbH", "北京科技公司", "Café Zoë 🍰", "Straßenbau Köln",
    "Initech", "深圳贸易",
    "Globex", "Łódź Metal", "Émile et Fils", "🚀 Rocket AG", "广州物流", "Hooli", 'Quotes "R" Us', "Comma, Semi; Tab",
)  # fmt: skip
CITIES = ("Köln", "上海", "Zürich", "Łódź", "São Paulo", "北京", "Malmö", "İzmir")
AGENTS = ("Firefox 143 on Linux", "Chrome 141 on Windows", "Safari on iPhone", "Android app 7.2")

HOSTILE = (
    "**bold** [click](javascript:alert(1)) | `x` | # heading",
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "@everyone @octocat closes #1",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "nul\x00byte\x01\x7f\x9b",
    "user\u202egnp.exe\u2066\u200b\u200f",
    "line\r\nbreak\n::error::injected\u2028next",
    "very long " + "長" * 5000,
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "```\n</details>\n---\n$(reboot) `id` ${HOME} %s {0} {{7*7}}",
    "CON",
    " ",
    "-rf",
    "|table|breaks|\n|---|---|",
)  # fmt: skip
