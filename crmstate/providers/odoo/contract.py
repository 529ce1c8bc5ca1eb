"""What Odoo's API does not do for us: contracts, sessions, modules, and the end of the database itself."""

from __future__ import annotations

from crmstate.core.words import Kind, Phase, Undo, Verb
from crmstate.providers.odoo.vendor import MEASURED, SEEN, provider

MANUAL = "Odoo 19 documentation: Administration, On-premise; Database management"
HOSTED = "Odoo 19 documentation: Administration, Odoo Online"

_NO_CONTRACT = {
    "en": "The database does not know its contract: a server of one's own has none, and what is paid for hosting or for the "
    "Enterprise edition stands in the customer's account at the vendor, which has no API.",
    "zh-CN": "数据库本身不含合同信息：自行部署没有订阅；托管或企业版的费用记录在厂商处的客户账户中，该账户没有 API。",
}
for _verb in (Verb.LIST, Verb.RENEW_OFF, Verb.PAUSE, Verb.RESUME, Verb.DOWNGRADE):
    provider.none(Kind.SUBSCRIPTION, _verb, why=_NO_CONTRACT, source=MANUAL)

provider.manual(
    Kind.SUBSCRIPTION,
    Verb.CANCEL,
    runbook={
        "en": "Community edition on a server of one's own: nothing to cancel at the vendor; give notice to whoever hosts or "
        "maintains it. Odoo Online, Odoo.sh and Enterprise: sign in to the customer's account at the vendor, open My "
        "Subscriptions, and close the subscription there, or ask for it in a ticket; on Odoo Online archive first, for the "
        "database goes with it. Proof: the confirmation with the last day, and the page that shows the subscription as closed.",
        "zh-CN": "自行部署的社区版：无需向厂商取消；请书面通知托管方或维护方。Odoo Online、Odoo.sh 与企业版：登录厂商的客户账户，"
        "打开“我的订阅”并在其中关闭订阅，或提交工单申请；Odoo Online 的数据库会随之消失，务必先归档。"
        "证明：写明最后日期的确认函，以及显示订阅已关闭的页面。",
    },
    attributes=frozenset({"ends_api"}),
    source=HOSTED,
)

provider.manual(
    Kind.ACCOUNT,
    Verb.CLOSE,
    runbook={
        "en": "1. If the archive plan says so, back the database up once more: POST /web/database/backup (master_pwd, name, "
        "backup_format=zip) or the page /web/database/manager; note the file's SHA-256, and open it: a refusal comes as a "
        "page that says 200. 2. Drop it: the same page, or POST /web/database/drop (master_pwd, name). Only the answer 303 "
        'means that it is gone: 200 with a page is a refusal ("Database deletion error"). /web/database/list goes on naming '
        "a database that stands in the configuration. 3. See whether the server has other databases (psql -l): steps 4 and 5 "
        "end ALL of them. Where it has others, leave service and data folder alone, look that `filestore/` has no folder of "
        "this database's name left, and go on with step 6. 4. Stop the service and disable its unit. 5. Remove the data "
        "folder (`data_dir` in odoo.conf: filestore, sessions), the configuration with its passwords, logs and old backups. "
        "6. Proof: the list of databases without this one (psql -l), `systemctl status` of the stopped unit, and that the "
        "address no longer answers (with other databases: the list alone).",
        "zh-CN": "1. 如归档计划要求，最后备份一次数据库：POST /web/database/backup（master_pwd、name、backup_format=zip），"
        "或使用页面 /web/database/manager；记录文件的 SHA-256 并打开核对：失败时返回的是状态为 200 的页面。"
        "2. 删除数据库：同一页面，或 POST /web/database/drop（master_pwd、name）。只有返回 303 才表示已删除："
        "返回 200 和页面即为拒绝（“Database deletion error”）。写在配置文件中的库名会一直出现在 /web/database/list 中。"
        "3. 先查看服务器上是否还有其他数据库（psql -l）：第 4、5 步会终止全部数据库。如有其他数据库，不要动服务和数据目录，"
        "只需确认 filestore/ 中已没有该库名的文件夹，然后直接到第 6 步。4. 停止服务并禁用其服务单元。"
        "5. 删除数据目录（odoo.conf 中的 data_dir：附件、会话）、含密码的配置文件、日志与旧备份。"
        "6. 证明：不再含有该库的数据库列表（psql -l）、已停止服务单元的 systemctl status 输出，以及该地址不再应答"
        "（还有其他数据库时：仅需该列表）。",
    },
    source=MEASURED,
    verified_on=SEEN,
    note={
        "en": "Not by crmstate: the master password opens every database of the server, and that one is gone shows outside of the "
        "API alone.",
        "zh-CN": "不由 crmstate 执行：主密码可操作服务器上的所有数据库，且数据库是否已删除只能在 API 之外确认。",
    },
)
provider.manual(
    Kind.ACCOUNT,
    Verb.EXPORT,
    runbook={
        "en": "Back the database up before anything is taken away: the page /web/database/manager, or POST /web/database/backup "
        "(master_pwd, name, backup_format=zip). A refusal comes as a page that says 200: open the file and see that it is a zip "
        "with manifest.json, dump.sql and filestore/. The master password opens every database of the server: it stays with "
        "whoever runs it. Odoo Online: Databases > Download Backup in the customer's account. Proof: the zip, and its SHA-256.",
        "zh-CN": "在删除任何内容之前备份数据库：使用页面 /web/database/manager，或 POST /web/database/backup"
        "（master_pwd、name、backup_format=zip）。失败时返回的是状态为 200 的页面：请打开文件，确认它是包含 manifest.json、dump.sql 和 "
        "filestore/ 的压缩包。主密码可操作服务器上的所有数据库，应由服务器的运维人员保管。Odoo Online：在客户账户的数据库页面下载备份。"
        "证明：该压缩包及其 SHA-256。",
    },
    source=MEASURED,
    verified_on=SEEN,
    after=Phase.PRESENT,
    undo=Undo.FREE,
    note={
        "en": "Not by crmstate: the master password opens every database of the server. On Odoo Online not tried.",
        "zh-CN": "不由 crmstate 执行：主密码可操作服务器上的所有数据库。Odoo Online 上未试过。",
    },
)
provider.none(
    Kind.DATASET,
    Verb.EXPORT,
    why={
        "en": "Odoo has no export jobs: rows are read by pages from the last id on, with their stored fields, which is as fast as it "
        "gives them.",
        "zh-CN": "Odoo 没有导出任务：按 ID 游标分页读取已存储字段，这已是其最快的方式。",
    },
    source=MEASURED,
)
provider.none(
    Kind.ACCOUNT,
    Verb.LIST,
    why={
        "en": "The account is the database itself, and the server's list of databases names those of its configuration, dropped "
        "or not.",
        "zh-CN": "账户即数据库本身；服务器的数据库列表只反映其配置，已删除的库也会列出。",
    },
    source=MEASURED,
)

_SESSIONS = {
    "en": "Sessions lie in files of the server; its users see their own devices alone.",
    "zh-CN": "会话保存在服务器的文件中；用户只能看到自己的设备。",
}
provider.none(Kind.SESSION, Verb.LIST, why=_SESSIONS, source=MANUAL)
provider.manual(
    Kind.SESSION,
    Verb.SIGN_OUT,
    runbook={
        "en": "Sessions of users who are archived are dead. For somebody who stays: they open Preferences > Security > Log out "
        "from all devices, or an administrator changes their password. For everybody at once: stop the service, empty "
        "`sessions` in its data folder, start it. Proof: a picture of the devices' page, or the emptied folder.",
        "zh-CN": "已归档用户的会话随即失效。仍保留的用户：在“首选项 > 安全”中选择“从所有设备注销”，或由管理员修改其密码。"
        "全部注销：停止服务，清空数据目录中的 sessions 文件夹，再启动服务。证明：设备页面的截图，或已清空的文件夹。",
    },
    source=MANUAL,
)

provider.manual(
    Kind.MODULE,
    Verb.DISABLE,
    runbook={
        "en": "Apps > the module > Uninstall. The list of what goes along is shown before: modules that need it, and their "
        "documents. **Its tables are dropped**: archive before. Proof: the app's page offers Install again.",
        "zh-CN": "应用 > 选中模块 > 卸载。确认前会列出随之卸载的模块及其单据。**模块的数据表会被删除**：务必先归档。"
        "证明：该应用页面重新显示“安装”。",
    },
    source="Odoo 19 documentation: Apps and modules; not tried",
    after=Phase.INACTIVE,
)
_SETTINGS = {
    "en": "Settings are records and parameters of the modules, which have no state to go back to.",
    "zh-CN": "设置是各模块的记录与参数，没有可恢复的初始状态。",
}
for _verb in (Verb.LIST, Verb.RESET):
    provider.none(Kind.SETTING, _verb, why=_SETTINGS, source=MEASURED)
_NO_BIN = {
    "en": "Odoo has no bin: what is deleted is gone at once, but for backups of the database. Archived rows are no bin: they "
    "are listed, read and purged like others.",
    "zh-CN": "Odoo 没有回收站：除数据库备份外，删除即刻生效。已归档的记录不算回收站：与其他记录一样列出、读取和清除。",
}
for _verb in (Verb.LIST, Verb.EMPTY):
    provider.none(Kind.BIN, _verb, why=_NO_BIN, source=MEASURED)
