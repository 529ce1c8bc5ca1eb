"""What people end by hand at a vendor without an API: access, settings, data. Where to click the vendor's own help says;
these runbooks say what must come out, and what proves it.
"""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.paper.vendor import SOURCE, provider

provider.manual(
    Kind.USER,
    Verb.LIST,
    runbook={
        "en": "Sign in as an administrator and write down every account: name, address, role, active or not. Proof: the list, with "
        "its date, or the vendor's own export of it.",
        "zh-CN": "以管理员身份登录，登记全部账号：姓名、邮箱、角色、是否启用。凭据：注明日期的清单，或系统导出的用户列表。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.USER,
    Verb.DELETE,
    runbook={
        "en": "Remove everybody's account but those that the manifest keeps; where the system only switches accounts off, switch them "
        "off. One administrator stays until the account itself is closed. Proof: a screenshot of the list afterwards, with the date.",
        "zh-CN": "移除清单中除保留人员以外的全部账号；系统只支持停用的，则停用。保留一名管理员直到账户最终注销。"
        "凭据：处理后的用户列表截图，须注明日期。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.USER,
    Verb.DEACTIVATE,
    runbook={
        "en": "Switch off everybody's account but those that the manifest keeps. Proof: a screenshot of the list afterwards, with "
        "the date.",
        "zh-CN": "停用除保留人员以外的全部账号。凭据：处理后的用户列表截图，须注明日期。",
    },
    after=Phase.INACTIVE,
    undo=Undo.FREE,
    source=SOURCE,
)
provider.manual(
    Kind.SESSION,
    Verb.SIGN_OUT,
    runbook={
        "en": "Sign everybody out, where the system has a button for it; else change the passwords of shared accounts and remove "
        "devices from the list. Proof: a screenshot, or a try with an old session that is refused.",
        "zh-CN": "系统支持时强制全部用户退出登录；否则修改共用账号的密码，并移除已登录的设备。凭据：截图，或旧会话被拒绝的记录。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.API_KEY,
    Verb.REVOKE,
    runbook={
        "en": "Revoke every key, token and app password that the administration shows, and ask the vendor in writing whether there are "
        "others. Proof: a screenshot of the empty list, never of a key.",
        "zh-CN": "撤销管理后台中显示的全部密钥、令牌和应用密码，并书面向供应商确认是否还有其他密钥。凭据：列表为空的截图，截图中不得出现密钥。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.INTEGRATION,
    Verb.DELETE,
    runbook={
        "en": "Take out everything that is connected: mail and calendar accounts, forms on the web site, telephone systems, exports that "
        "run by themselves. Tell the owner of each first. Proof: the list, each with the day on which it was cut.",
        "zh-CN": "断开全部连接：邮箱和日历、网站表单、电话系统、自动导出任务；事先通知各系统负责人。凭据：清单，注明每项断开的日期。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.SETTING,
    Verb.DELETE,
    runbook={
        "en": "Set custom settings and permissions back to what they were when you began. Proof: screenshots, or the administrator's "
        "signed list.",
        "zh-CN": "将自定义设置和权限恢复为初始状态。凭据：截图，或管理员署名的清单。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.MODULE,
    Verb.DISABLE,
    runbook={
        "en": "Ask the vendor in writing whether switching the module off keeps or clears its data, then switch it off. Proof: the "
        "answer, and a screenshot.",
        "zh-CN": "先书面向供应商确认关闭该模块会保留还是清除数据，再关闭。凭据：对方的答复和截图。",
    },
    after=Phase.INACTIVE,
    source=SOURCE,
)
provider.manual(
    Kind.DATASET,
    Verb.PURGE,
    runbook={
        "en": "Delete the records in the system, or have the vendor delete them (`crmstate letter` writes the instruction). Look "
        "afterwards that nothing is shown any more. Only what is in the verified archive may go. Proof: a screenshot of the empty "
        "list with the date, or the vendor's confirmation.",
        "zh-CN": "在系统中删除这些记录，或要求供应商删除（`crmstate letter` 可生成书面指令），之后确认列表为空。只有已归档并校验的数据才能删除。"
        "凭据：注明日期的空列表截图，或供应商的确认。",
    },
    source=SOURCE,
)
provider.manual(
    Kind.BIN,
    Verb.EMPTY,
    runbook={
        "en": "Empty the recycle bin, every page of it. Ask the vendor how long deleted records stay elsewhere. Proof: a screenshot of "
        "the empty bin, with the date.",
        "zh-CN": "逐页清空回收站，并询问供应商已删除的数据在其他位置还会保留多久。凭据：回收站为空的截图，须注明日期。",
    },
    source=SOURCE,
)
