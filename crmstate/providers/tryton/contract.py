"""What Tryton's API does not do: everybody runs a server of their own, so the contract and the end of it all are in
people's hands."""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Verb
from crmstate.providers.tryton.vendor import MEASURED, provider

MANUAL = "Tryton documentation: Administration Guide, Setup"

_SELF_HOSTED = {
    "en": "A Tryton server of one's own has no subscription. What a host or a consultant is paid is ended with them.",
    "zh-CN": "Tryton 由用户自行部署，没有订阅可言；付给托管商或顾问的费用，须与其另行终止。",
}
for _verb in (Verb.LIST, Verb.RENEW_OFF, Verb.PAUSE, Verb.RESUME, Verb.DOWNGRADE):
    provider.none(Kind.SUBSCRIPTION, _verb, why=_SELF_HOSTED, source=MANUAL)

provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Tryton itself is not rented. Where somebody hosts or maintains the server: give notice to them in writing, "
        "ask for a confirmation with the last day and for the deletion of all backups, and keep both as the proof.",
        "zh-CN": "Tryton 本身无需租用。如由他人托管或维护服务器：以书面形式通知对方终止，"
        "要求对方书面确认终止日期并删除全部备份，两份文件均留作证明。",
    },
    source=MANUAL,
)

provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "1. Stop the server and its workers (trytond, trytond-cron, trytond-worker) and disable their units. "
        "2. Back the database up once more if the archive plan says so (pg_dump, or the file of SQLite), and note its "
        "SHA-256. 3. Drop the database (dropdb NAME, or remove NAME.sqlite with its -wal and -shm files). 4. Remove the "
        "file store (`[database] path` in trytond.conf: attachments lie there under the database's name), the "
        "configuration with its passwords, logs, and old backups. 5. Proof: the list of databases without this one "
        "(psql -l), `systemctl status` of the stopped units, and that the address no longer answers.",
        "zh-CN": "1. 停止服务器及其工作进程（trytond、trytond-cron、trytond-worker），并禁用相应的服务单元。"
        "2. 如归档计划要求，最后备份一次数据库（pg_dump，或 SQLite 文件），并记录其 SHA-256。"
        "3. 删除数据库（dropdb 库名；或删除 库名.sqlite 及其 -wal、-shm 文件）。"
        "4. 删除文件存储（trytond.conf 中 [database] path 所指目录，附件按库名存放）、含密码的配置文件、日志与旧备份。"
        "5. 证明：不再含有该库的数据库列表（psql -l）、已停止服务单元的 systemctl status 输出，以及该地址不再应答。",
    },
    source=MANUAL,
)
provider.none(
    Kind.ACCOUNT,
    Verb.LIST,
    why={
        "en": "The account is the database itself, and the API does not tell of databases.",
        "zh-CN": "账户即数据库本身，API 不提供数据库信息。",
    },
    source=MEASURED,
)

provider.none(
    Kind.USER,
    Verb.DELETE,
    why={
        "en": "The server refuses: users are kept for its log, and can only be deactivated. They go with the database.",
        "zh-CN": "服务器拒绝删除：用户须为日志保留，只能停用；用户随数据库一并消失。",
    },
    source=MEASURED,
)
provider.manual(
    Kind.MODULE,
    Verb.DISABLE,
    runbook={
        "en": "In the client: Administration > Modules > Modules, select the module, Mark for Deactivation; modules that "
        "depend on it go first. Then Perform Pending Activation/Upgrade, or on the server `trytond-admin -d NAME -u ir`. "
        "What becomes of the module's tables is not documented: count on them to stay. Proof: the module's state reads "
        "Not Activated.",
        "zh-CN": "在客户端：系统管理 > 模块 > 模块，选中该模块并标记为停用；依赖它的模块须先停用。"
        "随后执行待处理的启用/升级，或在服务器上运行 trytond-admin -d 库名 -u ir。"
        "模块数据表的去留没有文档说明：应视为仍会保留。证明：模块状态显示为“未启用”。",
    },
    source="Tryton 8.0 source, ir/module.py; not tried",
    after=Phase.INACTIVE,
)
_SETTINGS = {
    "en": "Settings are records of the modules' configuration, which have no state to go back to.",
    "zh-CN": "设置是各模块的配置记录，没有可恢复的初始状态。",
}
for _verb in (Verb.LIST, Verb.RESET):
    provider.none(Kind.SETTING, _verb, why=_SETTINGS, source=MEASURED)
_NO_BIN = {
    "en": "Tryton has no bin: what is deleted is gone at once, but for the database's own backups.",
    "zh-CN": "Tryton 没有回收站：除数据库自身的备份外，删除即刻生效。",
}
for _verb in (Verb.LIST, Verb.EMPTY):
    provider.none(Kind.BIN, _verb, why=_NO_BIN, source=MEASURED)
