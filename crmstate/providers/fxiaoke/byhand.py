"""What people do at FXiaoke, since its API cannot: apps, subscriptions to events, the bin, the contract, the account; and what
nobody can.

Each runbook says where to click, whom to write to, and what proves it. Nothing is promised that the vendor does not write:
notice periods, refunds and how long data is kept are asked for in writing.
"""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.fxiaoke.vendor import APP_INFO, CODES_PAGE, MANUAL, provider

ENDS_API = frozenset({"ends_api"})
LEAVING = "https://www.fxiaoke.com/doc/document-24192.html"
PRICES = "https://www.fxiaoke.com/ap/market-price/"
ABSENT = "not among the calls of the transcribed manual (developer.fxiaoke.com/openapi_v2)"

provider.manual(
    Kind.API_KEY,
    Verb.LIST,
    runbook={
        "en": "Sign in as an administrator and open 管理后台 >> 应用 (administration, apps). Write down every self-built app and every app "
        "of a partner: name, appId, who looks after it, its IP whitelist, enabled or stopped. Proof: a screenshot of the whole "
        "list, without secrets and permanent codes.",
        "zh-CN": "以管理员身份登录，打开「管理后台 >> 应用」，逐个登记自建应用和第三方应用：名称、appId、负责人、IP 白名单、启用或停用状态。"
        "凭据：完整列表的截图，截图中不得出现 appSecret 和永久授权码。",
    },
    source=APP_INFO,
)
provider.manual(
    Kind.API_KEY,
    Verb.REVOKE,
    runbook={
        "en": "Open 管理后台 >> 应用. Stop (停用) each app that is to go, watch for a day whether something still needs it, then delete "
        "it. The app that crmstate works with goes last, after everything else is confirmed: crmstate then sees by itself that "
        "it is dead (20021, switched off, or 20022, not authorised). Proof: a screenshot of the list afterwards.",
        "zh-CN": "打开「管理后台 >> 应用」，先「停用」要撤销的应用，观察一天确认没有系统仍在使用，再删除。crmstate 自己使用的应用最后处理"
        "（其他步骤全部确认之后），crmstate 会自行检测它已失效（20021 已停用，或 20022 未授权）。凭据：处理后的应用列表截图。",
    },
    source=CODES_PAGE,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.LIST,
    runbook={
        "en": "Ask the owner of each app for its subscriptions to events (事件变更订阅) and the addresses that they call; look in 管理后台 "
        "for connectors, workflows (工作流) and approval flows (审批流) that call other systems. Write down name, events and the "
        "receiving system, without keys. Proof: the list, signed by who made it.",
        "zh-CN": "向每个应用的负责人确认其「事件变更订阅」及接收地址；在管理后台查找会调用外部系统的连接器、工作流和审批流。登记名称、事件"
        "和接收系统（不要记录密钥）。凭据：登记人署名的清单。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DISABLE,
    runbook={
        "en": "Take back each subscription to events (事件变更订阅) in the app's own settings, and switch off workflows and connectors "
        "that call other systems, in 管理后台. Tell the owner of the receiving system first. Proof: a screenshot of each page, "
        "switched off.",
        "zh-CN": "在应用的设置中取消「事件变更订阅」，并在管理后台停用会调用外部系统的工作流和连接器；事先通知接收系统的负责人。"
        "凭据：各页面已停用的截图。",
    },
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    source=ABSENT,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DELETE,
    runbook={
        "en": "Delete each subscription to events (事件变更订阅) in the app's own settings, and workflows and connectors that call other "
        "systems, in 管理后台. Proof: a screenshot of each page without them.",
        "zh-CN": "在应用的设置中删除「事件变更订阅」，并在管理后台删除会调用外部系统的工作流和连接器。凭据：各页面中已无相应配置的截图。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.RESUME,
    runbook={
        "en": "Switch the subscription, workflow or connector on again where it was switched off, and have the receiving system's "
        "owner confirm that events arrive. Proof: a screenshot of the page, and their word.",
        "zh-CN": "在原处重新启用事件订阅、工作流或连接器，并请接收系统的负责人确认已收到事件。凭据：已启用的页面截图和对方的确认。",
    },
    undo=Undo.FREE,
    after=Phase.PRESENT,
    source=ABSENT,
)
provider.none(
    Kind.MODULE,
    Verb.LIST,
    why={
        "en": "No interface lists what was bought: editions, seats and packs of calls are seen in the contract.",
        "zh-CN": "没有查询已购产品的接口：版本、人数和调用包以合同为准。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.MODULE,
    Verb.DISABLE,
    runbook={
        "en": "Objects cannot be deleted by API. Once their data is archived and verified, stop and delete the company's own objects in "
        "管理后台, where objects are managed; ask the vendor about preset ones. Proof: a screenshot of the list of objects afterwards.",
        "zh-CN": "对象不能通过 API 删除。数据归档并校验完成后，在「管理后台」的对象管理中停用并删除自定义对象；预设对象请咨询纷享销客。"
        "凭据：处理后对象列表的截图。",
    },
    source=ABSENT,
)
provider.none(
    Kind.SETTING,
    Verb.LIST,
    why={
        "en": "No interface shows the company's settings.",
        "zh-CN": "没有查询企业设置的接口。",
    },
    source=ABSENT,
)
provider.none(
    Kind.SETTING,
    Verb.RESET,
    why={
        "en": "No interface changes the company's settings; they end with the account.",
        "zh-CN": "没有修改企业设置的接口；设置随企业账号注销而终止。",
    },
    source=ABSENT,
)
provider.none(
    Kind.SESSION,
    Verb.LIST,
    why={
        "en": "No interface lists sessions.",
        "zh-CN": "没有查询登录会话的接口。",
    },
    source=ABSENT,
)
provider.none(
    Kind.SESSION,
    Verb.SIGN_OUT,
    why={
        "en": "No interface ends sessions. People are kept out by being stopped (停用).",
        "zh-CN": "没有结束登录会话的接口；通过停用员工使其无法登录。",
    },
    source=ABSENT,
)
provider.none(
    Kind.USER,
    Verb.DELETE,
    why={
        "en": "No interface deletes people. They are stopped (停用), which takes their access; their names stay on the records.",
        "zh-CN": "没有删除员工的接口。停用即收回访问权限，其姓名仍保留在历史数据中。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.USER,
    Verb.RESUME,
    runbook={
        "en": "In 管理后台 (administration), where employees are managed, find the person among those who are stopped (停用) and let them "
        "in again (启用). Proof: crmstate sees it at its next look (isStop).",
        "zh-CN": "在「管理后台」的员工管理中，从已停用的员工里找到此人并「启用」。凭据：crmstate 下次查看时会看到（isStop）。",
    },
    undo=Undo.FREE,
    after=Phase.PRESENT,
    source=ABSENT,
)
provider.none(
    Kind.BIN,
    Verb.LIST,
    why={
        "en": "No interface is known that lists the recycle bin. What crmstate made invalid stands in its own journal.",
        "zh-CN": "未发现列出回收站的接口。crmstate 作废过的数据记录在其自身的日志中。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.BIN,
    Verb.EMPTY,
    runbook={
        "en": "After the purge, look into the recycle bin (回收站) of every object in 管理后台. crmstate deletes for good what it made "
        "invalid; rows that people made invalid before (作废), and those whose deletion was refused, are still there: delete "
        "them. Proof: a screenshot of the empty bin with the object's name and the date.",
        "zh-CN": "清除数据后，在管理后台查看每个对象的「回收站」。crmstate 作废的数据已由其彻底删除；此前由员工作废的数据、以及被拒绝删除的"
        "数据仍在回收站中，请彻底删除。凭据：回收站为空的截图，须能看到对象名称和日期。",
    },
    source=f"{MANUAL} (data/delete)",
    note={
        "en": "Listing the bin by API is unconfirmed; rows whose ids are known are deleted by the purge.",
        "zh-CN": "能否通过 API 列出回收站未经证实；已知 ID 的数据在清除步骤中删除。",
    },
)
provider.none(
    Kind.SUBSCRIPTION,
    Verb.LIST,
    why={
        "en": "No interface shows edition, seats, price or end of the contract: write them into `contract` by hand.",
        "zh-CN": "没有查询版本、人数、价格或到期日的接口：请手工写入 contract。",
    },
    source=ABSENT,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Read your contract (the shortest term is 12 months), write to your contact at FXiaoke, or call 400-112-2778, and ask "
        "in writing for: the day on which the contract ends, the notice period, what is refunded, how long data is kept, and when "
        "it is destroyed. The API ends with it: archive and verify before. Proof: the vendor's written confirmation with the date.",
        "zh-CN": "先查阅合同（最短合约期 12 个月），再书面联系纷享销客的对接人，或拨打 400-112-2778，要求书面确认：合同终止日期、提前通知"
        "期限、退费、数据保留期限和销毁时间。合同终止后 API 同时停用，务必先完成归档和校验。凭据：对方的书面确认，须注明日期。",
    },
    source=LEAVING,
    attributes=ENDS_API,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RENEW_OFF,
    runbook={
        "en": "Tell your contact at FXiaoke (or 400-112-2778) in writing that the contract is not to be renewed, before the notice "
        "date of your own contract; name the packs of API calls too. Proof: their written confirmation that it ends, and when.",
        "zh-CN": "在合同约定的通知期限之前，书面告知纷享销客的对接人（或拨打 400-112-2778）到期不再续费，OpenAPI 调用包一并说明。"
        "凭据：对方书面确认不续费及到期日。",
    },
    after=Phase.PENDING,
    undo=Undo.WINDOW,
    source=LEAVING,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.PAUSE,
    runbook={
        "en": "The vendor publishes no way to pause. Ask your contact or 400-112-2778 whether one can be agreed, from when until "
        "when, at what price, and whether data and API stay. Proof: the written agreement.",
        "zh-CN": "纷享销客没有公开的暂停服务方式。向对接人或 400-112-2778 咨询能否协商暂停：起止日期、费用、期间数据和 API 是否保留。"
        "凭据：书面协议。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=ABSENT,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RESUME,
    runbook={
        "en": "Ask your contact or 400-112-2778 to take back the cancellation, or to end the pause. Proof: their written "
        "confirmation, and that people can sign in.",
        "zh-CN": "联系对接人或拨打 400-112-2778，要求撤回终止申请或恢复服务。凭据：书面确认，并验证员工可以正常登录。",
    },
    after=Phase.PRESENT,
    undo=Undo.FREE,
    source=ABSENT,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.DOWNGRADE,
    runbook={
        "en": "Have the archive verified first: without a pack of API calls crmstate can neither read nor delete (30003). Then agree on "
        "the change with your contact or 400-112-2778: edition, seats, day, refund, and what happens to data above the new "
        "limits. Proof: the written confirmation.",
        "zh-CN": "先确认归档已校验：没有 OpenAPI 调用包时，crmstate 无法再读取或删除数据（30003）。然后与对接人或 400-112-2778 确认："
        "版本、人数、生效日期、退费，以及超出新版本额度的数据如何处理。凭据：书面确认。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=PRICES,
    attributes=ENDS_API,
)
provider.none(
    Kind.ACCOUNT,
    Verb.EXPORT,
    why={
        "en": "No call is documented that orders a backup of the whole company; the manual's section on offline downloads of data was "
        "not to be had. Every object that can be read is archived; ask your contact for what else there is.",
        "zh-CN": "没有公开的接口可以备份整个企业的数据；手册中「离线数据下载」一节未能查阅。可读取的对象均会归档，其余数据请向对接人索取。",
    },
    source=ABSENT,
)
provider.none(
    Kind.DATASET,
    Verb.EXPORT,
    why={
        "en": "No export jobs are documented: objects are read by pages of 100 from the last id on.",
        "zh-CN": "没有公开的导出任务接口：按最后一个 ID 分页读取，每页 100 条。",
    },
    source=ABSENT,
)
provider.none(
    Kind.ACCOUNT,
    Verb.LIST,
    why={
        "en": "No code is documented by which a closed account could be told from an app that is switched off (20021, 20022).",
        "zh-CN": "没有公开的错误码可以区分「企业已注销」与「应用已停用」（20021、20022）。",
    },
    source=CODES_PAGE,
)
provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "Last of all, after archive, purge, bin and contract. How a company closes its account (注销) the vendor does not publish. Ask "
        "400-112-2778 and write to privacy@fxiaoke.com: who may apply, what is examined, when it takes effect, and when all data "
        "including backups is destroyed. Proof: their written confirmation; the app should then be refused.",
        "zh-CN": "在归档、数据清除、清空回收站、合同终止之后最后进行。纷享销客没有公开企业注销的流程：请拨打 400-112-2778，并致函 "
        "privacy@fxiaoke.com，询问由谁申请、如何审核、何时生效，以及包括备份在内的全部数据何时销毁。凭据：对方的书面确认；此后应用应被拒绝访问。",
    },
    source="vendor's hotline and privacy address; no published procedure",
    note={
        "en": "Conditions, review and whether it can be taken back are undocumented.",
        "zh-CN": "条件、审核和能否撤回均没有公开说明。",
    },
    attributes=ENDS_API,
)
