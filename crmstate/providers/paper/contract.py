"""The contract and the account of a vendor without an API: notice by letter, an answer that takes its time, a day on which
nobody can sign in any more.
"""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.paper.vendor import SOURCE, provider

provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Write to the vendor in the form that the contract asks for (`crmstate letter` writes it) and ask for a written "
        "confirmation of the day on which the contract ends. Log every answer (`crmstate contact add`). Proof: the vendor's written "
        "confirmation with the date.",
        "zh-CN": "按合同要求的形式书面通知供应商（`crmstate letter` 可生成信函），并要求书面确认合同终止日期；每次答复都要登记"
        "（`crmstate contact add`）。凭据：供应商注明日期的书面确认。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RENEW_OFF,
    runbook={
        "en": "Tell the vendor in writing, before the notice date of your contract, that it is not to be renewed. Proof: the written "
        "confirmation that it ends, and when.",
        "zh-CN": "在合同约定的通知期限之前书面告知供应商到期不再续约。凭据：对方书面确认不续约及到期日。",
    },
    after=Phase.PENDING,
    undo=Undo.WINDOW,
    source=SOURCE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.PAUSE,
    runbook={
        "en": "Ask the vendor in writing whether the contract can be paused: from when until when, at what price, whether data stays, "
        "and whether the term goes on meanwhile. Proof: the written agreement.",
        "zh-CN": "书面询问供应商能否暂停合同：起止日期、费用、数据是否保留、合同期限是否顺延。凭据：书面协议。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=SOURCE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RESUME,
    runbook={
        "en": "Ask the vendor in writing to end the pause, or to take the notice back. Proof: the written confirmation, and that people "
        "can sign in.",
        "zh-CN": "书面要求供应商恢复服务或撤回终止通知。凭据：书面确认，并验证用户可以登录。",
    },
    after=Phase.PRESENT,
    undo=Undo.FREE,
    source=SOURCE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.DOWNGRADE,
    runbook={
        "en": "Agree on the change in writing: edition, seats, day, refund, and what happens to data above the new limits. Proof: the "
        "written confirmation.",
        "zh-CN": "书面约定变更：版本、人数、生效日期、退费，以及超出新版本额度的数据如何处理。凭据：书面确认。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=SOURCE,
)
provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "Have the account closed, last of all, and ask for a destruction certificate that names backups and sub-processors. Try to "
        "sign in afterwards. Proof: the vendor's confirmation, and the refused sign-in.",
        "zh-CN": "最后办理账户注销，并索取涵盖备份和分处理者的销毁证明；之后尝试登录确认。凭据：供应商的确认和登录被拒绝的记录。",
    },
    source=SOURCE,
)
provider.none(
    Kind.SUBSCRIPTION,
    Verb.LIST,
    why={
        "en": "Nothing shows the contract; the manifest says what it says.",
        "zh-CN": "没有接口显示合同，以清单中登记的内容为准。",
    },
)
