"""Resolving notices, settlement, replacement, evaluation and reminders -> `core.around`."""

from __future__ import annotations

from crmstate.core.around import (
    EvaluationGoal,
    MailGoal,
    Migrated,
    NoticeGoal,
    ReminderGoal,
    ReplacementGoal,
    SettlementGoal,
)
from crmstate.core.contract import When
from crmstate.core.words import Milestone
from crmstate.manifest.around import FromDataset, FromFile
from crmstate.manifest.model import Manifest
from crmstate.manifest.resolve_contract import period, when
from crmstate.manifest.tree import Tree


def notices(model: Manifest, tree: Tree) -> tuple[NoticeGoal, ...]:
    """Who is told, and who is not by a written decision."""
    names = notice_ids(model)
    return tuple(
        NoticeGoal(
            number=number,
            to=each.to,
            told=each.decision.told if each.decision else True,
            why=each.decision.why if each.decision else "",
            channel=each.channel,
            file=each.recipients.file if isinstance(each.recipients, FromFile) else None,
            lenient=isinstance(each.recipients, FromFile) and each.recipients.faulty_rows == "leave_out",
            dataset=each.recipients.dataset if isinstance(each.recipients, FromDataset) else None,
            field=each.recipients.field if isinstance(each.recipients, FromDataset) else None,
            webhook=each.url is not None,
            template=each.template,
            language=each.language,
            send=when(each.send, tree, "notices", number, "send"),
            feedback_owner=each.feedback_owner,
            id=names[number],
            robot=each.robot,
            keyword=each.keyword or "",
            opt_out=each.opt_out,
            span=tree.span("notices", number),
        )
        for number, each in enumerate(model.notices or ())
    )


def notice_ids(model: Manifest) -> list[str]:
    """The name of each notice: as written, or by whom it tells and how, so that it stays when others are added."""
    taken = {each.id for each in model.notices or () if each.id}
    found = []
    for each in model.notices or ():
        plain = name = each.id or f"{each.to}-{each.robot or each.channel or 'none'}"
        number = 1
        while not each.id and name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        found.append(name)
    return found


def mail(model: Manifest, tree: Tree) -> MailGoal | None:
    """The server that takes our mail."""
    here = model.mail
    if here is None:
        return None
    return MailGoal(
        here.host.lower().rstrip("."), here.port, here.tls, here.sender, here.name or "", here.per_minute,
        here.user is not None and here.password is not None, tree.key_span("mail"),
    )  # fmt: skip


def settlement(model: Manifest, tree: Tree) -> SettlementGoal | None:
    """Who settles, and by when."""
    here = model.settlement
    if here is None:
        return None
    return SettlementGoal(here.owner, when(here.due, tree, "settlement", "due"), tree.key_span("settlement"))


def replacement(model: Manifest, tree: Tree) -> ReplacementGoal | None:
    """What comes afterwards."""
    here = model.replacement
    if here is None:
        return None
    return ReplacementGoal(
        decision=here.decision,
        system=here.system,
        criteria=here.criteria,
        proof=here.accepted.proof if here.accepted else "attested",
        owner=here.accepted.owner if here.accepted else None,
        migrate=tuple(Migrated(each.dataset, each.to, tuple(each.check or ())) for each in here.migrate or ()),
        span=tree.key_span("replacement"),
    )


def evaluation(model: Manifest, tree: Tree) -> EvaluationGoal | None:
    """Looking back, so long after the last of what ends: the account's closing, else our access."""
    here = model.evaluation
    if here is None:
        return None
    point = Milestone.CLOSED if model.end_state.account else Milestone.ACCESS_ENDS
    after = When(None, period(here.after), "after", point.value, tree.span("evaluation", "after"))
    return EvaluationGoal(after, here.owner, tuple(here.measures), tree.key_span("evaluation"))


def reminders(model: Manifest) -> ReminderGoal:
    """When people are reminded, and how long the vendor may be silent."""
    here, usual = model.reminders, ReminderGoal()
    if here is None:
        return usual
    return ReminderGoal(period(here.before) or usual.before, period(here.escalate_after))
