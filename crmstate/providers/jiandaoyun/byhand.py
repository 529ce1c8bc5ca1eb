"""What people do at Jiandaoyun, since its API cannot: keys, pushes, bins, the contract, the account; and what nobody can.

Each runbook says where to click, whom to write to, and what proves it. Nothing is promised that the vendor does not
write: notice periods, refunds and how long data is kept are asked for in writing.
"""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.jiandaoyun.vendor import (
    API_FACTS,
    CHANGELOG,
    CHECKED,
    GUIDE,
    KEYS,
    MANUAL,
    MEMBER,
    PUSH,
    provider,
)

ENDS_API = frozenset({"ends_api"})

provider.manual(
    Kind.API_KEY,
    Verb.LIST,
    runbook={
        "en": "Sign in as an administrator and open 开放平台 >> 密钥管理 (open platform, key management). Write down every key: "
        "its name, its apps and interfaces, its IP whitelist, enabled or stopped. Proof: a screenshot of the whole list "
        "(a corp may have up to 500 keys, so mind the pages), without the keys themselves.",
        "zh-CN": "以管理员身份登录，打开「开放平台 >> 密钥管理」，逐个登记 API Key：名称、授权的应用和接口、IP 白名单、启用或停用状态。"
        "凭据：完整列表的截图（一个企业最多 500 个密钥，注意翻页），截图中不得出现密钥内容。",
    },
    source=KEYS,
    verified_on=CHECKED,
)
provider.manual(
    Kind.API_KEY,
    Verb.REVOKE,
    runbook={
        "en": "Open 开放平台 >> 密钥管理. Stop (停用) each key that is to go, watch for a day whether something still needs it, then "
        "delete it. The key that crmstate works with goes last, after everything else is confirmed: crmstate then sees by "
        "itself that it is dead. Proof: a screenshot of the list afterwards.",
        "zh-CN": "打开「开放平台 >> 密钥管理」，先「停用」要撤销的密钥，观察一天确认没有系统仍在使用，再删除。crmstate 自己使用的密钥"
        "最后删除（其他步骤全部确认之后），crmstate 会自行检测它已失效。凭据：处理后的密钥列表截图。",
    },
    source=KEYS,
    verified_on=CHECKED,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.LIST,
    runbook={
        "en": "Pushes (数据推送) are set form by form: open each form, 编辑表单 >> 扩展功能 >> 数据推送, and write down name, events and the "
        "receiving system (leave out the secret). Ask the administrators for plug-ins and automations that call other "
        "systems. Proof: the list, signed by who made it.",
        "zh-CN": "数据推送按表单设置：逐个打开表单「编辑表单 >> 扩展功能 >> 数据推送」，登记名称、推送事件和接收系统（不要记录密钥）。"
        "另向管理员确认有无调用外部系统的插件和智能助手。凭据：登记人署名的清单。",
    },
    source=PUSH,
    verified_on=CHECKED,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DISABLE,
    runbook={
        "en": "In each form: 编辑表单 >> 扩展功能 >> 数据推送, switch the push off. Tell the owner of the receiving system first. Proof: "
        "a screenshot of each form's page with the push off.",
        "zh-CN": "在每个表单的「编辑表单 >> 扩展功能 >> 数据推送」中关闭推送，并事先通知接收系统的负责人。凭据：各表单推送已关闭的截图。",
    },
    undo=Undo.FREE,
    after=Phase.INACTIVE,
    source=PUSH,
    verified_on=CHECKED,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DELETE,
    runbook={
        "en": "In each form: 编辑表单 >> 扩展功能 >> 数据推送, delete the push. Writing and deleting by API never sends one, so a quiet "
        "receiver proves nothing. Proof: a screenshot of each form's page without pushes.",
        "zh-CN": "在每个表单的「编辑表单 >> 扩展功能 >> 数据推送」中删除推送。通过 API 写入或删除数据不会触发推送，接收端没有消息"
        "不能作为证明。凭据：各表单数据推送页面为空的截图。",
    },
    source=PUSH,
    verified_on=CHECKED,
)
provider.manual(
    Kind.MODULE,
    Verb.DISABLE,
    runbook={
        "en": "Apps and forms cannot be deleted by API. Once their data is archived and verified, delete the app (or single "
        "forms, dashboards, automations) in the workbench; an app takes its forms and rows along. Proof: a screenshot of the "
        "workbench afterwards.",
        "zh-CN": "应用和表单不能通过 API 删除。数据归档并校验完成后，在工作台中删除应用（或单个表单、仪表盘、智能助手）；删除应用会"
        "一并删除其中的表单和数据。凭据：删除后工作台的截图。",
    },
    source=GUIDE,
    note={
        "en": "No API was found for it; deletes what the app holds.",
        "zh-CN": "未发现对应接口；会删除应用中的全部内容。",
    },
)
provider.manual(
    Kind.BIN,
    Verb.EMPTY,
    runbook={
        "en": "After the purge, open the form's recycle bin (回收站); delete everything in it for good, on "
        "every page. How long the vendor keeps rows there by itself is not documented. Proof: a screenshot of the empty "
        "bin with the form's name and the date.",
        "zh-CN": "清除数据后，打开该表单的「回收站」，逐页彻底删除其中的全部数据。平台自动保留多久没有公开说明。"
        "凭据：回收站为空的截图，须能看到表单名称和日期。",
    },
    source=PUSH,
    note={
        "en": "The bin exists (restoring from it sends a push); whether rows deleted by API go there is undocumented.",
        "zh-CN": "回收站确实存在（恢复数据会触发推送），但通过 API 删除的数据是否进入回收站没有公开说明。",
    },
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Write to your account manager at Fanruan, or call 400-111-0890, and ask in writing for: the day on which the "
        "contract ends, the notice period, what is refunded, how long data is kept, and when it is destroyed. API access "
        "ends with the enterprise edition: archive and verify before. Proof: the vendor's written confirmation with the date.",
        "zh-CN": "书面联系帆软的客户经理，或拨打 400-111-0890，要求书面确认：合同终止日期、提前通知期、退费、数据保留期限和销毁时间。"
        "企业版到期后 API 同时停用，务必先完成归档和校验。凭据：对方的书面确认，须注明日期。",
    },
    source=GUIDE,
    attributes=ENDS_API,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RENEW_OFF,
    runbook={
        "en": "Tell your account manager (or 400-111-0890) in writing that the contract is not to be renewed, before the notice "
        "date of your own contract. Proof: their written confirmation that it ends, and when.",
        "zh-CN": "在合同约定的通知期限之前，书面告知客户经理（或拨打 400-111-0890）到期不再续费。凭据：对方书面确认不续费及到期日。",
    },
    after=Phase.PENDING,
    undo=Undo.WINDOW,
    source=GUIDE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.PAUSE,
    runbook={
        "en": "The vendor publishes no way to pause. Ask your account manager or 400-111-0890 whether one can be agreed, from "
        "when until when, at what price, and whether data and API stay. Proof: the written agreement.",
        "zh-CN": "平台没有公开的暂停服务方式。向客户经理或 400-111-0890 咨询能否协商暂停：起止日期、费用、期间数据和 API 是否保留。"
        "凭据：书面协议。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=GUIDE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.RESUME,
    runbook={
        "en": "Ask your account manager or 400-111-0890 to take back the cancellation, or to end the pause. Proof: their "
        "written confirmation, and that members can sign in.",
        "zh-CN": "联系客户经理或拨打 400-111-0890，要求撤回终止申请或恢复服务。凭据：书面确认，并验证成员可以正常登录。",
    },
    after=Phase.PRESENT,
    undo=Undo.FREE,
    source=GUIDE,
)
provider.manual(
    Kind.SUBSCRIPTION,
    Verb.DOWNGRADE,
    runbook={
        "en": "Have the archive verified first: 标准版 (standard) and free have neither API nor push, so nothing can be read or "
        "deleted by crmstate afterwards. Then agree on the change with your account manager or 400-111-0890: edition, seats, "
        "day, refund, and what happens to data above the new limits. Proof: the written confirmation.",
        "zh-CN": "先确认归档已校验：标准版和免费版没有 API 和数据推送，降级后 crmstate 无法再读取或删除数据。然后与客户经理或 "
        "400-111-0890 确认：版本、人数、生效日期、退费，以及超出新版本额度的数据如何处理。凭据：书面确认。",
    },
    after=Phase.INACTIVE,
    undo=Undo.WINDOW,
    source=API_FACTS,
    verified_on=CHECKED,
    attributes=ENDS_API,
)
provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "Last of all, after archive, purge, bin and contract. Ask 400-111-0890 what a corp must fulfil to be "
        "dissolved, and who may do it; that person closes the account (注销). There is a grace period (注销缓冲期) in which "
        "取消注销 brings it back; 立即注销 ends it at once and for good: do not use it before the archive is verified. "
        "Proof: the page that confirms it; a key that still exists should then answer code 8017.",
        "zh-CN": "在归档、数据清除、清空回收站、合同终止之后最后进行。先拨打 400-111-0890 咨询注销企业的条件和操作人，由该操作人"
        "「注销」。注销有缓冲期，期间可「取消注销」恢复；「立即注销」不可恢复，归档校验完成前不要使用。"
        "凭据：注销确认页面；此后仍存在的 API Key 应返回错误码 8017。",
    },
    source=CHANGELOG,
    note={
        "en": "The length of the grace period and the conditions for dissolving a corp are undocumented.",
        "zh-CN": "缓冲期的长度和注销企业的条件没有公开说明。",
    },
    attributes=ENDS_API,
)
provider.none(
    Kind.USER,
    Verb.DEACTIVATE,
    why={
        "en": "Members cannot be switched off: the API has no such field. Deleting makes them leave (离职) the corp.",
        "zh-CN": "成员没有停用状态，API 没有对应字段；删除成员即转为离职，离开企业。",
    },
    source=MEMBER,
)
provider.none(
    Kind.DATASET,
    Verb.COUNT,
    why={
        "en": "No interface counts rows. Usage figures are of the day before, and only in the flagship edition: no proof.",
        "zh-CN": "没有统计数据条数的接口；用量统计是前一日的数据，且仅限旗舰版，不能作为证明。",
    },
    source=f"{MANUAL}25778",
)
provider.none(
    Kind.SUBSCRIPTION,
    Verb.LIST,
    why={
        "en": "No interface shows edition, seats, price or end of the contract.",
        "zh-CN": "没有查询版本、人数、价格或到期日的接口。",
    },
    source=GUIDE,
)
provider.none(
    Kind.SESSION,
    Verb.SIGN_OUT,
    why={
        "en": "The API neither lists nor ends sessions. Members are kept out by making them leave (离职).",
        "zh-CN": "API 不能查询或结束登录会话；通过离职让成员退出企业。",
    },
    source=GUIDE,
)
