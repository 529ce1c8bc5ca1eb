"""Rules of what happens around the technical end: notices, replacement, state, the owner."""

from __future__ import annotations

from collections.abc import Iterator

from crmstate.core.diagnostic import Diagnostic, diagnostic
from crmstate.core.words import Severity
from crmstate.manifest import codes
from crmstate.manifest.rules_end import purging, status
from crmstate.manifest.tree import Mapping, Scalar, Tree

CONTRACT = "contract"
"""The notice that ends the contract, which has a name of its own."""


def notices_complete(tree: Tree) -> Iterator[Diagnostic]:
    """A notice that is sent says how, to whom, what and when; whether customers are told is a written decision."""
    for index, notice in enumerate(tree.items("notices")):
        if not isinstance(notice, Mapping):
            continue
        if tree.text("notices", index, "to") == "customers" and "decision" not in notice.items:
            yield diagnostic(codes.CUSTOMERS_UNDECIDED, span=tree.span("notices", index, "to"))
        told = tree.at("notices", index, "decision", "told")
        if isinstance(told, Scalar) and told.native() is False:
            continue
        channel = tree.text("notices", index, "channel")
        users = tree.text("notices", index, "to") == "staff"
        target = {"mail": () if users else ("recipients",), "webhook": ("url",)}.get(channel or "", ())
        for key in ("channel", *target, "send"):
            if key not in notice.items:
                yield diagnostic(codes.NOTICE_INCOMPLETE, span=tree.span("notices", index), key=key)


def notices_named(tree: Tree) -> Iterator[Diagnostic]:
    """A notice has a name of its own: by it the record knows who was told."""
    known = {CONTRACT}
    for index in range(len(tree.items("notices"))):
        name = tree.text("notices", index, "id")
        if name in known:
            yield diagnostic(codes.NOTICE_TWICE, span=tree.span("notices", index, "id"), name=name)
        elif name is not None:
            known.add(name)


def mail_login_whole(tree: Tree) -> Iterator[Diagnostic]:
    """A user name goes with a password, and neither over an open line."""
    section = tree.mapping("mail")
    if section is None:
        return
    named = [key for key in ("user", "password") if key in section.items]
    if len(named) == 1 or (named and tree.text("mail", "tls") == "none"):
        yield diagnostic(codes.MAIL_LOGIN, span=tree.key_span("mail", named[0]))


def acceptance_named(tree: Tree) -> Iterator[Diagnostic]:
    """A replacement that was adopted is accepted by somebody."""
    replacement = tree.mapping("replacement")
    if replacement and tree.text("replacement", "decision") == "adopted" and "accepted" not in replacement.items:
        yield diagnostic(codes.NO_ACCEPTANCE, span=tree.key_span("replacement"))


def state_located(tree: Tree) -> Iterator[Diagnostic]:
    """A remote state says where it lies."""
    state = tree.mapping("state")
    if state and tree.text("state", "backend") == "s3" and "location" not in state.items:
        yield diagnostic(codes.STATE_INCOMPLETE, span=tree.key_span("state"))


def owner_named(tree: Tree) -> Iterator[Diagnostic]:
    """Somebody answers for what cannot be taken back."""
    if tree.at("owner") is None and (purging(tree) or status(tree, "account") == "deleted"):
        yield diagnostic(codes.NO_OWNER, Severity.WARNING, span=tree.span())


RULES = (notices_complete, notices_named, mail_login_whole, acceptance_named, state_located, owner_named)
