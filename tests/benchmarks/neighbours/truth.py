"""The rows of the comparison, made up but the same every time: contacts of a CRM, about 1 KB each, spelt by hand as a
vendor spells them. Each field is there because some tool somewhere changes or drops it."""

from __future__ import annotations

from collections.abc import Iterator

PAGE = 200
CONTACTS, LEDGER = "contacts", "ledger"
TOKEN = "token-of-the-comparison"
LEDGER_ROWS = 2 * PAGE

FAMILY = ["Müller", "王", "O'Brien", "Øster", "Nguyễn", "欧阳", "de la Cruz", "سلمان", "Smith", "Żak"]
GIVEN = ["Ana", "小明", "Zoë", "Иван", "José", "Mia", "إيمان", "Björk", "李娜", "Kofi"]
OWNERS = ["u-17", "u-4", "u-230"]
WORDS = [
    "call",
    "back",
    "asked",
    "for",
    "an",
    "offer",
    "wants",
    "the",
    "contract",
    "ends",
    "budget",
    "year",
    "after",
    "summer",
    "nobody",
    "knows",
    "why",
]
NOTES = [
    'First line\\nsecond line\\r\\n\\tindented, with a \\"quote\\" and a back\\\\slash',
    "客户希望在年底前续约，需要报价。👩‍👩‍👧‍👦 🇨🇳",
    "\u2067مرحبا\u2069 (left to right again), caf\\u00e9, line\\u2028separator",
]
STAGES = ["NULL", "NaN", "N/A", "true", "0", "Won", "None", "-"]
MIXED = ["7", '"seven"', "7.5", "true"]
BUDGETS = ["1e5", "1E+2", "2.50e3", "100000"]


def contact(number: int, of: int) -> bytes:
    """Row `number` of `of`: one line of JSON, keys in the vendor's order. A field that nobody has yet (`churnReason`)
    and one that is null so far (`upsell`) get values in the second half only."""
    n, late = number, number >= of // 2
    words = " ".join(WORDS[(n * 7 + each) % len(WORDS)] for each in range(24 + n % 17))
    family, given = FAMILY[n % 10], GIVEN[n // 10 % 10]
    campaign = "null" if n % 3 else f'"Spring {n % 40}"'
    upsell = f"{n % 900}.50" if late else "null"
    churn = f',"churnReason":"moved to {n % 12}"' if late else ""
    text = (
        f'{{"id":"c-{n:07d}","Owner":"{OWNERS[n % 3]}","Account Name":"{family} & Söhne GmbH {n % 977}",'
        f'"lastName":"{family}","firstName":"{given}","middleName":null,"备注":"重要客户 {n % 50}",'
        f'"email":"{n}@example.com","Email":"billing{n}@example.com","phone":"+49 151 {n:08d}",'
        f'"2ndPhone":"{n % 100000:05d}","postalCode":"0{n % 9999:04d}","website":"=HYPERLINK(\\"//x/{n}\\")","fax":null,'
        f'"amount":{n % 5000}.{n % 10}0,"budget":{BUDGETS[n % 4]},"exchangeRate":0.12345678901234567890{n % 7 + 1},'
        f'"externalId":{2**53 + 1 + 2 * n},"accountKey":{2**63 + 1 + 2 * n},"rating":{MIXED[n % 4]},'
        f'"createdTime":"2026-03-{n % 28 + 1:02d}T09:{n % 60:02d}:00.000+08:00","modifiedTime":"2026-11-02T10:20:30Z",'
        f'"closeDate":"{n % 28 + 1:02d}/04/2026","lastActivity":"0000-00-00","birthday":"1980-0{n % 9 + 1}-17",'
        f'"stamp":{1772323200000 + n},"isActive":{"true" if n % 2 else "false"},"optedOut":false,"stage":"{STAGES[n % 8]}",'
        f'"campaign":{campaign},"title":"","preferences":{{}},"subscriptions":[],'
        f'"address":{{"city":"上海","line 2":null,"geo":{{"lat":31.2304160,"lon":121.4737}},"zip":"0{n % 9999}"}},'
        f'"tags":["vip",null,"{n % 30}",{n % 30}],'
        f'"members":[{{"name":"{given}","role":null}},{{"name":"","role":"buyer","since":2019}}],'
        f'"renewal.date":"31.12.2026","comments":"{NOTES[n % 3]} {words}","upsell":{upsell}{churn}}}'
    )
    return text.encode()


def ledger(number: int) -> bytes:
    """A row with one integer that is larger than 64 bits hold, apart from the others: one tool stops at it."""
    return f'{{"id":"l-{number:07d}","serial":{10**20 + number}}}'.encode()


def rows(dataset: str, count: int) -> Iterator[bytes]:
    """All rows of a dataset, in order."""
    for number in range(count):
        yield contact(number, count) if dataset == CONTACTS else ledger(number)


def pages(dataset: str, count: int) -> list[bytes]:
    """The bodies of all pages; the cursor of a page is opaque, and the last page has none."""
    found, page = [], []
    for number, row in enumerate(rows(dataset, count), 1):
        page.append(row)
        if len(page) == PAGE or number == count:
            after = f'"{cursor(len(found) + 1)}"' if number < count else "null"
            found.append(b'{"rows":[' + b",".join(page) + b'],"next":' + after.encode() + b"}")
            page = []
    return found


def cursor(page: int) -> str:
    """What stands for page number `page`, counted from 0."""
    return f"k{page * 7919 + 104729:x}" if page else ""


def page_of(text: str) -> int:
    """The page that a cursor stands for; ValueError for one that was never given."""
    page = (int(text[1:], 16) - 104729) // 7919 if text else 0
    if page < 0 or cursor(page) != text:
        raise ValueError(text)
    return page
