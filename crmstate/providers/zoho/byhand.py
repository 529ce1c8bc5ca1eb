"""What people do at Zoho, since its API cannot: keys and apps, the subscription, the account; and what nobody can.

Each runbook says where to click, whom to write to, and what proves it. Places that no document of the vendor's confirms
say so. Two things can do harm that nobody takes back: cancelling is a downgrade that takes effect at once and takes the
API along, and `Close Account` at accounts.zoho.com ends every Zoho service of that person, not the CRM.
"""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.zoho.sources import DOCS, OAUTH, SPEC
from crmstate.providers.zoho.vendor import provider

KB = "Zoho knowledge base, read through resellers' mirrors of it"
REFUNDS = "Zoho refund policy"
ENDS_API = frozenset({"ends_api"})

provider.manual(
    Kind.API_KEY,
    Verb.LIST,
    runbook={
        "en": "No call lists anybody's tokens. 1. Each user: accounts.zoho.<data centre> > Sessions > Connected Apps, write down "
        "each app. 2. Whoever registered clients: api-console.zoho.<data centre>, write down each client. 3. An administrator: "
        "Setup > Marketplace > All > Installed, and Setup > Developer Hub for functions that have a REST key (these two places "
        "are unconfirmed). Leave secrets out. Proof: the list, signed by who made it.",
        "zh-CN": "没有接口能列出任何人的令牌。1. 每位用户：在 accounts.zoho.<数据中心> > Sessions > Connected Apps 登记各应用。"
        "2. 注册过客户端的人：在 api-console.zoho.<数据中心> 登记各客户端。3. 管理员：在 Setup > Marketplace > All > Installed 和 "
        "Setup > Developer Hub 登记扩展以及带 REST 密钥的函数（这两处位置尚未证实）。不要记录密钥内容。凭据：登记人署名的清单。",
    },
    source=f"{OAUTH}; {KB}",
)
provider.manual(
    Kind.API_KEY,
    Verb.REVOKE,
    runbook={
        "en": "Apps and clients may serve other Zoho services as well (Books, Desk, Mail): what is not for the CRM alone stays, or "
        "its owner agrees in writing. 1. Each user: accounts.zoho.<data centre> > Sessions > Connected Apps, remove each app of "
        "the CRM's. 2. Delete the OAuth clients of the CRM's at api-console.zoho.<data centre>. 3. Setup > Marketplace > "
        "All > Installed: uninstall extensions; Setup > Developer Hub: take the REST keys off functions (both places unconfirmed). "
        "The client and token that crmstate works with go last, after everything else is confirmed: crmstate sees by itself "
        "that the token is dead. Never use Close Account at "
        "accounts.zoho.com: it ends all Zoho services of that person. Proof: a picture of each list afterwards.",
        "zh-CN": "应用和客户端可能同时用于其他 Zoho 服务（Books、Desk、Mail）：并非只用于 CRM 的须保留，或取得其负责人的书面同意。"
        "1. 每位用户：在 accounts.zoho.<数据中心> > Sessions > Connected Apps 移除 CRM 的应用。2. 在 api-console.zoho.<数据中心> "
        "删除用于 CRM 的 OAuth 客户端。3. 在 Setup > Marketplace > All > Installed 卸载扩展，在 Setup > Developer Hub 关闭函数的 REST 密钥"
        "（两处位置尚未证实）。crmstate 使用的客户端和令牌最后处理，其失效由 crmstate 自行检测。切勿使用 accounts.zoho.com 的 "
        "Close Account：它会终止此人的全部 Zoho 服务。凭据：处理后各列表的截图。",
    },
    source=f"{DOCS}revoke-tokens.html; {KB}",
    note={
        "en": "A token's own holder can revoke it by OAuth, but two of Zoho's pages name different addresses for it: left to a "
        "person. At most 20 refresh tokens live per user; the 21st ends the oldest without a word.",
        "zh-CN": "令牌持有者可通过 OAuth 自行撤销，但 Zoho 的两份文档给出的地址不同，因此由人工处理。每位用户最多 20 个刷新令牌，"
        "第 21 个会使最早的一个失效且不提示。",
    },
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DISABLE,
    runbook={
        "en": "Setup > Automation > Workflow Rules: switch each rule off (the place is unconfirmed). Webhooks cannot be switched "
        "off, only deleted; what no rule uses any more sends nothing. Proof: a picture of the list with every rule off.",
        "zh-CN": "在 Setup > Automation > Workflow Rules 逐条停用规则（位置尚未证实）。Webhook 不能停用，只能删除；不再被任何规则使用的 "
        "webhook 不会发送请求。凭据：全部规则已停用的列表截图。",
    },
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    source=f"{SPEC} (workflow-rules: no such call is described)",
)
provider.manual(
    Kind.INTEGRATION,
    Verb.RESUME,
    runbook={
        "en": "Setup > Automation > Workflow Rules: switch on again each rule that was switched off (the place is unconfirmed). Proof: a "
        "picture of the list.",
        "zh-CN": "在 Setup > Automation > Workflow Rules 逐条重新启用已停用的规则（位置尚未证实）。凭据：列表截图。",
    },
    undo=Undo.FREE,
    after=Phase.PRESENT,
    source=f"{SPEC} (workflow-rules: no such call is described)",
)
_MODULES = {
    "en": "A module can be hidden, which deletes nothing; its records are purged as a dataset. No call of the vendor's that "
    "switches one off was found.",
    "zh-CN": "模块只能隐藏，不会删除任何内容；其记录作为数据集清除。未发现停用模块的接口。",
}
for _verb in (Verb.LIST, Verb.DISABLE):
    provider.none(Kind.MODULE, _verb, why=_MODULES, source=SPEC)
_SETTINGS = {
    "en": "Layouts, roles, profiles and the like go with the org; they have no state to go back to.",
    "zh-CN": "布局、角色、权限配置等随组织一并消失，没有可恢复的初始状态。",
}
for _verb in (Verb.LIST, Verb.RESET):
    provider.none(Kind.SETTING, _verb, why=_SETTINGS, source=SPEC)
_SESSIONS = {
    "en": "The CRM's API neither lists nor ends sessions: deactivating a user keeps them out.",
    "zh-CN": "CRM 的 API 不能查询或结束登录会话；停用用户即可将其拒之门外。",
}
for _verb in (Verb.LIST, Verb.SIGN_OUT):
    provider.none(Kind.SESSION, _verb, why=_SESSIONS, source=SPEC)

provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Have the archive verified and everything else done first: cancelling is a move to Free, it takes effect AT ONCE, and "
        "what editions give (backup, most of the API's credits) ends with it. Do it near the end of what is paid for. As the "
        "super admin: profile icon > Manage Subscription > Change Edition > Free. Refunds: a monthly plan within its first "
        "month, an annual one within 45 days, asked for in writing. It renews until this is done. Proof: the mail or the page "
        "of the Zoho Store that says Free, with the date.",
        "zh-CN": "先确认归档已校验、其他步骤均已完成：取消即降级为 Free，立即生效，版本附带的功能（备份和大部分 API 额度）同时终止，"
        "因此应在已付费周期临近结束时操作。以超级管理员身份：头像 > Manage Subscription > Change Edition > Free。退款：月付在首月内、"
        "年付在 45 天内，书面申请。未操作前会一直自动续费。凭据：显示 Free 及日期的邮件或 Zoho Store 页面。",
    },
    source=f"{KB}: Deleting the Zoho CRM account; {REFUNDS}",
    attributes=ENDS_API,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RENEW_OFF,
    runbook={
        "en": "No switch for the renewal alone was found. Ask Zoho's sales or support in writing not to renew at the day until which "
        "it is paid for, well before it; otherwise cancel near that day. Proof: their written confirmation with the date.",
        "zh-CN": "未发现单独关闭续费的开关。请在已付费截止日之前尽早书面要求 Zoho 销售或支持到期不再续费；否则在临近该日时取消。"
        "凭据：对方注明日期的书面确认。",
    },
    after=Phase.PENDING,
    undo=Undo.WINDOW,
    source=REFUNDS,
)
provider.none(
    Kind.SUBSCRIPTION,
    Verb.PAUSE,
    why={
        "en": "No document of the vendor's offers a pause (unconfirmed). Licences can be reduced instead.",
        "zh-CN": "未发现厂商提供暂停服务的文档（尚未证实），可改为减少许可证数量。",
    },
    source=KB,
)
provider.none(
    Kind.SUBSCRIPTION,
    Verb.RESUME,
    why={
        "en": "There is no pause to end; a paid edition is bought anew.",
        "zh-CN": "不存在可结束的暂停；付费版本须重新购买。",
    },
    source=KB,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.DOWNGRADE,
    runbook={
        "en": "Fewer licences or add-ons, or a smaller edition, each at once and with a credit: profile icon > Manage Subscription. "
        "Deactivate the people first, or Zoho chooses whom it disables. With Free the API's credits fall to 5,000 a day and "
        "backups end. Proof: the page of the Zoho Store with the new edition and number.",
        "zh-CN": "减少许可证、附加项或降低版本均立即生效并返还差额：头像 > Manage Subscription。请先停用人员，否则由 Zoho 决定停用谁。"
        "降为 Free 后 API 额度降至每天 5,000，备份终止。凭据：Zoho Store 页面上的新版本和数量。",
    },
    after=Phase.INACTIVE,
    undo=Undo.FREE,
    source=KB,
    attributes=ENDS_API,
)
provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "Last of all, on Free or a trial, with every user but the super admin deactivated: Setup > General > Company Settings "
        "> Company Details > Delete CRM account. Sources disagree whether the button is there at once or 7 days after the last "
        "deactivation or downgrade: plan for a week. Other Zoho services stay. Do NOT use Close Account at accounts.zoho.com: it "
        "ends all Zoho services of that person. Data leaves the active database at the next clean-up, every 6 months, and "
        "backups 3 months later: ask in writing for the day. Proof: a picture of the page that confirms it, with the date.",
        "zh-CN": "最后进行：须为 Free 或试用版，且除超级管理员外全部用户已停用。Setup > General > Company Settings > Company Details > "
        "Delete CRM account。该按钮是立即出现，还是在最后一次停用或降级 7 天后出现，资料说法不一，请预留一周。其他 Zoho 服务不受影响。"
        "切勿使用 accounts.zoho.com 的 Close Account：它会终止此人的全部 Zoho 服务。数据在下一次清理（每 6 个月）时离开在用数据库，"
        "备份再过 3 个月清除，请书面询问具体日期。凭据：确认页面的截图，注明日期。",
    },
    source=f"{KB}: Deleting the Zoho CRM account; Zoho privacy policy",
    note={
        "en": "Up to 7 days of waiting. `deletable_org_account` of the org looks like the check before it; its meaning is "
        "unconfirmed.",
        "zh-CN": "最多等待 7 天。组织信息中的 deletable_org_account 似为删除前的检查项，含义尚未证实。",
    },
    attributes=ENDS_API,
)
