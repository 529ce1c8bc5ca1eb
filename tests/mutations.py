"""Mutations: mistakes that a provider could have, each made on purpose in a copy of the tree, and the tests that have to
fail for it. Run by hand (`make mutations`, or `python -m tests.mutations NAME...`); no part of `make test`.

A mutation that survives is a missing test. One whose place is gone is an error: whoever changes a provider moves it along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
SERVERS = (".venv-tryton", ".venv-odoo")
LONGEST = 600.0


@dataclass(frozen=True)
class Mutation:
    """`old` stands once in `file` and becomes `new`; `tests` are pytest's arguments, of which one test has to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


UNIT = "tests/providers/test_tryton.py"
SUITE = "tests/contract"


def _tryton(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    """Without a `test` of the suite: the provider's own tests."""
    tests = (SUITE, "-k", f"tryton and ({test})") if test else (UNIT,)
    return Mutation(f"tryton: {name}", f"crmstate/providers/tryton/{file}", old, new, tests)


def _jiandaoyun(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    tests = (SUITE, "-k", f"jiandaoyun and ({test})") if test else ("tests/providers/test_jiandaoyun.py",)
    return Mutation(f"jiandaoyun: {name}", f"crmstate/providers/jiandaoyun/{file}", old, new, tests)


def _fxiaoke(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    tests = (SUITE, "-k", f"fxiaoke and ({test})") if test else ("tests/providers/test_fxiaoke.py",)
    return Mutation(f"fxiaoke: {name}", f"crmstate/providers/fxiaoke/{file}", old, new, tests)


def _odoo(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    tests = (SUITE, "-k", f"odoo and ({test})") if test else ("tests/providers/test_odoo.py",)
    return Mutation(f"odoo: {name}", f"crmstate/providers/odoo/{file}", old, new, tests)


def _zoho(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    tests = (SUITE, "-k", f"zoho and ({test})") if test else ("tests/providers/test_zoho.py",)
    return Mutation(f"zoho: {name}", f"crmstate/providers/zoho/{file}", old, new, tests)


def _zoho_job(name: str, file: str, old: str, new: str) -> Mutation:
    return Mutation(
        f"zoho: {name}", f"crmstate/providers/zoho/{file}", old, new, ("tests/providers/test_zoho_jobs.py",)
    )


def _simulated(vendor: str, name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake of a simulator: it would let the same mistake of its provider pass."""
    place = f"crmstate/sandbox/dialects/{vendor}/{file}"
    return Mutation(
        f"{vendor}: simulated: {name}", place, old, new, tuple(f"tests/sandbox/test_{each}.py" for each in tests)
    )


def _sandbox(name: str, file: str, old: str, new: str, test: str = "") -> Mutation:
    tests = (SUITE, "-k", f"sandbox and ({test})") if test else ("tests/providers/test_sandbox.py",)
    return Mutation(f"sandbox: {name}", f"crmstate/providers/sandbox/{file}", old, new, tests)


def _paper(name: str, file: str, old: str, new: str) -> Mutation:
    return Mutation(f"paper: {name}", f"crmstate/providers/paper/{file}", old, new, ("tests/providers/test_paper.py",))


MUTATIONS: tuple[Mutation, ...] = (
    _tryton(
        "a wrong field: a key's owner is the key itself",
        "access.py",
        'owner = "" if row.user is None else str(row.user)',
        "owner = str(row.id)",
        "lesson_01",
    ),
    _tryton(
        "a wrong status: people who are switched off are present",
        "access.py",
        "phase = Phase.PRESENT if row.active else Phase.INACTIVE\n        return Resource(Kind.USER,",
        "phase = Phase.PRESENT\n        return Resource(Kind.USER,",
        "lesson_06",
    ),
    _tryton(
        "inactive rows are not asked for",
        "vendor.py",
        'EVERYTHING = {"active_test": False, "language": "en"}',
        'EVERYTHING = {"active_test": True, "language": "en"}',
        "lesson_06",
    ),
    Mutation(
        "tryton: a missed page: a listing ends with its first",
        "crmstate/providers/kit/pages.py",
        "return Leaf([convert(row) for row in rows], key(rows[-1]))",
        "return Leaf([convert(row) for row in rows], None)",
        (SUITE, "-k", "tryton and (pages_of_any_size)"),
    ),
    _tryton(
        "a missed page: rows end with the first",
        "data.py",
        "return Page(rows, None if last or not rows else rows[-1].id)",
        "return Page(rows, None)",
        "reading_goes_on_from_a_cursor",
    ),
    _tryton(
        "an ignored error: whatever says 200 is good",
        "vendor.py",
        "return _refusal(answer.body)",
        "return None",
    ),
    _tryton(
        "a wrong status: a dead session is a missing right",
        "vendor.py",
        "401: Code.EXPIRED,",
        "401: Code.DENIED,",
        "dead_credential",
    ),
    _tryton(
        "a skipped probe: an administrator is believed to see everything",
        "view.py",
        "whole_view=admin and _every_company(call, mine) and _nothing_hidden(call, member),",
        "whole_view=admin,",
    ),
    _tryton(
        "a skipped probe: everybody is believed to see everything",
        "view.py",
        "whole_view=admin and _every_company(call, mine) and _nothing_hidden(call, member),",
        "whole_view=True,",
        "lesson_04",
    ),
    _tryton(
        "a wrong tenant is accepted",
        "view.py",
        "tenant=root.create_date.compact,",
        "tenant=call.tenant or root.create_date.compact,",
        "another_tenant",
    ),
    _tryton(
        "a read that takes the secret field",
        "access.py",
        'fields = ["user", "application", "state"]\n',
        'fields = ["user", "application", "state", "key"]\n',
    ),
    _tryton(
        "a secret field that is archived",
        "data.py",
        "secret = [name for name in kept if _SECRET.search(name)]",
        "secret: list[str] = []",
    ),
    _tryton(
        "a refusal that quotes a key is passed on",
        "vendor.py",
        "text = _KEYISH.sub(MASK, said)",
        "text = said",
    ),
    _tryton(
        "a lost id: the last of a batch is not sent",
        "access.py",
        'act(call, f"model.{model}.{method}", fit, *params)',
        'act(call, f"model.{model}.{method}", fit[:-1], *params)',
        "an_act_does_what_it_says",
    ),
    _tryton(
        "a thing that is not there is called done",
        "access.py",
        "if number(item.id) in there\n",
        "if number(item.id) in there or True\n",
        "called_missing",
    ),
    _tryton(
        "absence concluded: datasets that may not be read are left out",
        "data.py",
        "    if unread:\n",
        "    if unread and not found:\n",
    ),
    _tryton(
        "a purge without cancelling first",
        "purge.py",
        "    if model == OPPORTUNITIES:\n",
        "    if not model:\n",
    ),
    _tryton(
        "a purge goes on after a lost answer",
        "purge.py",
        "                results.update((each, _failed(each, rest)) for part in todo for each in part)\n                break\n",
        "                continue\n",
    ),
    _tryton(
        "signing out lets people in again who were switched off",
        "access.py",
        'among=[["active", "=", True]],',
        "among=[],",
    ),
    _tryton(
        "keys that outlive their users are not told of",
        "access.py",
        'attributes=frozenset({"keys_outlive"}),\n',
        "",
        "lesson_01",
    ),
    _zoho(
        "a refusal with 200 is an answer",
        "errors.py",
        'if head.code is not None and head.status == "error":',
        'if head.code is not None and head.status == "error" and status >= 300:',
    ),
    _zoho(
        "a missing scope is a dead token",
        "errors.py",
        '"OAUTH_SCOPE_MISMATCH": Code.DENIED,',
        '"OAUTH_SCOPE_MISMATCH": Code.EXPIRED,',
        "denied_listing",
    ),
    _zoho(
        "an item's own status is not read",
        "answers.py",
        'if found.status == "success" or found.code in aim:',
        "if found.code:",
        "fails_in_part",
    ),
    _zoho(
        "results are taken by their places",
        "answers.py",
        "return [_settled(each, named.get(each), aim) for each in ids]",
        "return [_settled(each, item, aim) for each, item in zip(ids, found, strict=False)]",
    ),
    _zoho(
        "people who are switched off are present",
        "people.py",
        '"disabled": Phase.INACTIVE',
        '"disabled": Phase.PRESENT',
        "lesson_06",
    ),
    _zoho(
        "already deactivated is a failure",
        "people.py",
        'OFF_ALREADY = frozenset({"ID_ALREADY_DEACTIVATED", "ID_ALREADY_DELETED"})',
        "OFF_ALREADY: frozenset[str] = frozenset()",
        "same_act_again",
    ),
    _zoho(
        "the primary contact can be ended",
        "people.py",
        "protected=primary is not None and user.zuid == primary",
        "protected=False",
    ),
    _zoho(
        "converted leads are left out",
        "listings.py",
        '**({"converted": "both"} if module == LEADS else {})}',
        "}",
    ),
    _zoho(
        "records end with the first page",
        "data.py",
        "if not info.more_records:\n        return None\n    if info.next_page_token:",
        "if info.more_records:\n        return None\n    if info.next_page_token:",
        "reading_goes_on",
    ),
    _zoho(
        "the fields after the fiftieth are left out",
        "data.py",
        "return Page(tuple(_joined(call, module, first, sets[1:], rich)), next_)",
        "return Page(tuple(_joined(call, module, first, (), rich)), next_)",
    ),
    _zoho(
        "an attachment that is gone is an empty file",
        "data.py",
        "if empty and file.size != 0:",
        "if empty and file.size == 0:",
    ),
    _zoho(
        "a webhook's address is shown whole",
        "access.py",
        "without_secrets(row.url)",
        "row.url",
    ),
    _zoho(
        "the bin is emptied whatever else lies in it",
        "bins.py",
        "if _alone(call, module):",
        "if module:",
    ),
    _zoho(
        "a count that has not noticed our purge fails it",
        "listings.py",
        "call.known(purged(module), lambda: False)",
        "False",
    ),
    _zoho(
        "a count that has not noticed an earlier purge says that rows are back",
        "listings.py",
        "each is not None and each >= since",
        "False",
    ),
    _zoho(
        "what was deleted long ago explains a count",
        "listings.py",
        "each is not None and each >= since",
        "each is not None",
    ),
    _zoho(
        "a count is nothing wherever a list shows nothing",
        "listings.py",
        "return not _shows_any(call, module) and _deleted_lately(call, module)",
        "return not _shows_any(call, module)",
    ),
    _zoho(
        "what has become a job is done",
        "answers.py",
        'if found.status == "success" and found.code == SCHEDULED:',
        'if found.status == "never":',
    ),
    _zoho(
        "what the bin has accepted is asked for again",
        "bins.py",
        "fresh = [each for each in found if each not in due]",
        "fresh = list(found)",
    ),
    _zoho(
        "formatted texts are kept as short as a page gives them",
        "data.py",
        "for some in chunks(rich, RICH):",
        "for some in chunks((), RICH):",
    ),
    _zoho(
        "a record that went keeps half of its formatted text",
        "data.py",
        "    if not missing:\n        return\n    there =",
        "    if missing:\n        return\n    there =",
    ),
    _zoho(
        "formatted texts that are kept back are waited for for ever",
        "data.py",
        "    if missing <= there:\n",
        "    if not there:\n",
    ),
    _zoho(
        "a photo that is kept back says nothing of itself",
        "data.py",
        "if file.id.startswith(_PHOTOS) and failure.code in _WITHHELD:",
        "if file.id.startswith(_PHOTOS) and not failure.code:",
    ),
    _zoho_job(
        "a job cuts formatted texts",
        "jobs.py",
        "if module == LEADS or found.rich or",
        "if module == LEADS or",
    ),
    _zoho(
        "files in fields are left out",
        "data.py",
        "        found += _in_fields(module, row, filed)\n",
        "",
    ),
    _zoho(
        "photos are left out",
        "data.py",
        "        found += _photos(module, row, photo)\n",
        "",
    ),
    _zoho(
        "records without a photo are said to have one",
        "data.py",
        '_EMPTY = (b"null", b\'""\')',
        "_EMPTY = ()",
    ),
    _zoho(
        "files of another shape are left out",
        "data.py",
        '_FILES.decode(bytes(parts.get(name, b"null"))) or []\n        except msgspec.DecodeError as error:\n',
        '_FILES.decode(bytes(parts.get(name, b"null"))) or []\n        except msgspec.DecodeError as error:\n            continue\n',
    ),
    _zoho(
        "portals are left out",
        "access.py",
        '    _Family("portal", PORTALS, "portals", None, _portal),\n',
        "",
    ),
    _zoho(
        "whoever may not see the portals sees all that there is",
        "access.py",
        'gap = Gap(Kind.INTEGRATION, "gap.denied", family.name)',
        "gap = gap or None",
    ),
    _zoho(
        "the trial deletes a portal that may be there",
        "access.py",
        'f"{family.path}/{NO_PORTAL}"',
        'f"{family.path}/{NOTHING}"',
    ),
    _simulated(
        "zoho",
        "a search finds what is equal alone",
        "criteria.py",
        "else wanted[0] in have",
        "else wanted[0] == have",
        "zoho_search",
    ),
    _simulated(
        "zoho",
        "a search has no end",
        "search.py",
        "window.page * window.per_page > FARTHEST",
        "window.page * window.per_page > 10 * FARTHEST",
        "zoho_search",
    ),
    _simulated(
        "zoho",
        "counts and searches know at once",
        "search.py",
        '    lag = world.traits.get("lag")\n',
        "    lag = None\n",
        "zoho_search",
    ),
    _simulated(
        "zoho",
        "what waits for an approval shows",
        "rows.py",
        '("unapproved", "true", states.approved),',
        '("unapproved", "true", "both"),',
        "zoho_search",
    ),
    _simulated(
        "zoho",
        "the bin ends whatever it is asked for at once",
        "emptying.py",
        'int(world.traits.get("delete_at_once", binned.AT_ONCE))',
        "10**9",
        "zoho_bin",
    ),
    _simulated(
        "zoho",
        "a filter of the bin is not heard",
        "bin.py",
        '    if "filters" in given:\n',
        '    if "filter" in given:\n',
        "zoho_bin",
    ),
    _simulated(
        "zoho",
        "a portal is deleted twice",
        "portals.py",
        "THERE = \"type = 'portal' AND deleted_at IS NULL\"",
        "THERE = \"type = 'portal'\"",
        "zoho_jobs",
    ),
    _zoho_job(
        "another backup's files are ours",
        "backup.py",
        'if f"/backup/{id}/" in urlsplit(each).path]',
        "if urlsplit(each).path]",
    ),
    _zoho_job(
        "backups that are used up are tried again soon",
        "backup.py",
        "        failure.code = Code.EXHAUSTED\n",
        "        pass\n",
    ),
    _zoho_job(
        "why a backup is refused is not read",
        "errors.py",
        " or _wrapped(answer.body)",
        "",
    ),
    _zoho_job(
        "results are fetched as fast as they can be",
        "limits.py",
        ", per_window={RESULT: (10, 60.0)}",
        "",
    ),
    _zoho_job(
        "a job that failed is done",
        "jobs.py",
        '"FAILURE": JobStatus.FAILED,',
        '"FAILURE": JobStatus.DONE,',
    ),
    _zoho_job(
        "leads are read by a job that may leave out converted ones",
        "jobs.py",
        "if module == LEADS or found.rich or len(names)",
        "if found.rich or len(names)",
    ),
    _zoho_job(
        "fields that are left out are not said to be",
        "jobs.py",
        "            dropped.append(name)\n",
        "",
    ),
    _zoho_job(
        "what follows a job's result is not asked for",
        "jobs.py",
        "    if not made.more_records:\n",
        "    if made.more_records:\n",
    ),
    Mutation(
        "zoho: a token goes wherever the login says",
        "crmstate/providers/kit/vault.py",
        "self._line.belongs(grant.origin)",
        "pass",
        ("tests/providers/test_zoho.py", "tests/providers/test_kept.py"),
    ),
    _jiandaoyun(
        "a skipped trial: the right to delete rows is not asked for",
        "data.py",
        'for dataset in {dataset.partition("/")[0]: dataset for dataset in datasets}.values():',
        "for dataset in ():",
        "known_before_the_first_act",
    ),
    _jiandaoyun(
        "success_count is ignored",
        "data.py",
        "if reply.value.success_count == len(ids):",
        "if reply.value.success_count >= 0:",
        "a_batch_that_fails_in_part",
    ),
    _jiandaoyun(
        "a fatal code is called throttled",
        "vendor.py",
        "17053: Code.DENIED,",
        "17053: Code.THROTTLED,",
    ),
    _jiandaoyun(
        "an ignored error: a dead key is a missing right",
        "vendor.py",
        "17017: Code.EXPIRED,",
        "17017: Code.DENIED,",
        "dead_credential or lesson_01",
    ),
    _jiandaoyun(
        "a wrong field: members are known by their names",
        "people.py",
        "row = Resource(Kind.USER, member.username,",
        "row = Resource(Kind.USER, member.name,",
        "a_listing_is_the_truth",
    ),
    _jiandaoyun(
        "a wrong status: who left is still there",
        "people.py",
        "-1: Phase.ABSENT}",
        "-1: Phase.PRESENT}",
    ),
    _jiandaoyun(
        "members of another directory are ended here",
        "people.py",
        'elsewhere=DIRECTORIES if member.integrate_id else ""',
        'elsewhere=""',
    ),
    _jiandaoyun(
        "a lost id: the last of a batch is not sent",
        "people.py",
        '{"usernames": names}',
        '{"usernames": names[:-1] or names}',
        "an_act_does_what_it_says",
    ),
    _jiandaoyun(
        "a missed page: rows end with the first",
        "data.py",
        "found[-1].id if found else None)",
        "None)",
        "reading_goes_on_from_a_cursor",
    ),
    _jiandaoyun(
        "a missed page: forms end with the first",
        "listings.py",
        '"skip": skip, "limit": page(call)}',
        '"skip": 0, "limit": page(call)}',
        "pages_of_any_size",
    ),
    _jiandaoyun(
        "the order of rows is not looked at",
        "data.py",
        "        _ascending(found, cursor)\n",
        "",
    ),
    _jiandaoyun(
        "any refusal means that a row is gone",
        "data.py",
        "        if failure.vendor != NO_ROW:\n            raise\n        return None",
        "        return None",
    ),
    _jiandaoyun(
        "absence concluded: forms that moved are all there",
        "listings.py",
        "whole = whole and still",
        "whole = whole or still",
        "no_row_slipped_through",
    ),
    _jiandaoyun(
        "a skipped probe: preset forms are believed to be exportable",
        "listings.py",
        "known[place] = _gives_rows(call, form)",
        "known[place] = True",
    ),
    _jiandaoyun(
        "the whole view is claimed without proof",
        "vendor.py",
        "whole_view=False",
        "whole_view=True",
        "lesson_04",
    ),
    _jiandaoyun(
        "a wrong tenant is accepted",
        "vendor.py",
        'seen[0] if seen else App("-"))',
        "App(call.tenant or '-'))",
        "another_tenant",
    ),
    _jiandaoyun(
        "signed addresses are archived",
        "data.py",
        "_unsigned(raw, signed) if signed else raw)",
        "raw)",
    ),
    _jiandaoyun(
        "after a deletion that nobody could check, rows are called gone",
        "data.py",
        "return [Result(each, Outcome.UNKNOWN, code, text,",
        "return [Result(each, Outcome.DONE, code, text,",
    ),
    _jiandaoyun(
        "any refusal means that the corp is closed",
        "listings.py",
        "        if failure.vendor != CLOSED or failure.code is not Code.EXPIRED:\n            raise\n",
        "",
        "dead_credential or lesson_09",
    ),
    _fxiaoke(
        "an ignored error: 200 is success",
        "vendor.py",
        "    elif found.error_code == 0:",
        "    elif answer.status == 200:",
        "a_dead_credential or act_that_was_refused",
    ),
    _fxiaoke(
        "a wrong status: what may have been done is a refusal",
        "vendor.py",
        "50009: Code.UNAVAILABLE,",
        "50009: Code.THROTTLED,",
    ),
    _fxiaoke(
        "a quota that comes back is a missing right",
        "vendor.py",
        "30002: Code.EXHAUSTED,",
        "30002: Code.DENIED,",
        "used_up_quota",
    ),
    _fxiaoke(
        "a token that ended is not renewed",
        "vendor.py",
        'frozenset({"20005", "20016"})',
        'frozenset({"20005"})',
        "renewed",
    ),
    _fxiaoke(
        "a wrong place: the day ends with that of UTC",
        "vendor.py",
        "        ahead=8,\n",
        "",
        "used_up_quota",
    ),
    _fxiaoke(
        "a rate that the vendor does not allow",
        "vendor.py",
        "_A_SECOND = 100 / 21",
        "_A_SECOND = 100 / 20",
    ),
    _fxiaoke(
        "the whole view is claimed without proof",
        "vendor.py",
        "whole_view=False",
        "whole_view=True",
        "lesson_04 or whole_view",
    ),
    _fxiaoke(
        "a wrong status: people who are stopped are present",
        "people.py",
        "Phase.INACTIVE if each.is_stop else Phase.PRESENT",
        "Phase.PRESENT",
        "lesson_06_people or cells_phase",
    ),
    _fxiaoke(
        "a missed page: people end with the first",
        "people.py",
        "        before, number = page, number + 1\n",
        "        return found, 1, still\n",
    ),
    _fxiaoke(
        "people whom the address book has otherwise are not looked for",
        "people.py",
        "if still and agreed and",
        "if still and",
        "slipped_through or listing_that_moves",
    ),
    _fxiaoke(
        "a skipped trial: the right to stop people is not asked for",
        "people.py",
        '    call.post(STOP, {"openUserIds": [NOBODY], "status": STOPPED}, into=Nothing)\n',
        "    return\n",
        "known_before_the_first_act",
    ),
    _fxiaoke(
        "a total of nothing beside rows is nought",
        "listings.py",
        "if found.total is None or found.total < len(found.data_list):",
        "if found.total is None:",
    ),
    _fxiaoke(
        "the total is not asked for",
        "listings.py",
        '"find_explicit_total_num": True',
        '"find_explicit_total_num": False',
        "a_count_is_exact",
    ),
    _fxiaoke(
        "a wrong path: the company's own objects are asked for as preset ones",
        "data.py",
        "path = CUSTOM_QUERY if is_custom(dataset) else QUERY",
        "path = QUERY",
        "rows_come_in_the_vendors_own_text",
    ),
    _fxiaoke(
        "a missed page: rows end with the first",
        "data.py",
        "return Page(tuple(found), found[-1].id if found else None)",
        "return Page(tuple(found), None)",
        "ten_thousand_rows_of_a_dataset",
    ),
    _fxiaoke(
        "the order of rows is not looked at",
        "data.py",
        "        if row.id <= before:",
        "        if not row.id:",
    ),
    _fxiaoke(
        "rows asked for by id: those right before are skipped",
        "data.py",
        '    if _HEX.fullmatch(id) and int(id, 16):\n        return f"{int(id, 16) - 1:024x}"\n    return id[:-1]',
        "    return id",
        "read_by_id",
    ),
    _fxiaoke(
        "approvals and workflows are started",
        "purge.py",
        '{"triggerApprovalFlow": False, "triggerWorkFlow": False}',
        '{"triggerApprovalFlow": True, "triggerWorkFlow": True}',
        "an_act_does_what_it_says",
    ),
    _fxiaoke(
        "rows that show no more are left in the bin",
        "purge.py",
        "[id for id in ids if id not in kept]",
        "[id for id in shown if id not in kept]",
    ),
    _fxiaoke(
        "rows that stay locked are deleted unasked",
        "purge.py",
        "    return {id: refused[id] for id in there}\n",
        "    return {}\n",
    ),
    _fxiaoke(
        "an act whose answer was lost goes on",
        "purge.py",
        "            if failure.code not in codes:\n                raise\n            refused",
        "            refused",
        "answer_is_lost",
    ),
    _fxiaoke(
        "rows of a public pool stay",
        "purge.py",
        "for path in (UNLOCK, CUSTOM_CHOOSE if is_custom(dataset) else CHOOSE):",
        "for path in (UNLOCK,):",
    ),
    _fxiaoke(
        "rows that were refused for another reason are taken out of the pool, too",
        "purge.py",
        "there = [id for id in there if id in kept or id in still]",
        "there = list(there)",
    ),
    _fxiaoke(
        "one row refuses the whole list",
        "purge.py",
        "return _together(call, CUSTOM_INVALID, dataset, ids)",
        "return _refused([(ids, lambda: call.post(CUSTOM_INVALID, _place(dataset, ids), into=Nothing))] if ids else [])",
    ),
    _simulated(
        "fxiaoke",
        "what is no text is not there",
        "body.py",
        "errors.refusal(missing if invalid is None else invalid)",
        "errors.refusal(missing)",
        "fxiaoke_spec",
    ),
    Mutation(
        "fxiaoke: a batch that was begun with is not asked for again",
        "crmstate/engine/purge.py",
        "        if resumed and HALFWAY in cell.attributes:",
        "        if False:",
        ("tests/engine/test_purge.py",),
    ),
    Mutation(
        "fxiaoke: what is half gone and refused counts as gone",
        "crmstate/engine/purge.py",
        "                break  # begun with, refused, and nowhere to be seen: a person has to look\n",
        "                return None\n",
        ("tests/engine/test_purge.py",),
    ),
    _odoo(
        "a revocation ends with the answer that revokes nothing",
        "access.py",
        '    act(call, CHECK, "run_check",',
        '    look(call, CHECK, "search_count", int, domain=[]) if ids else act(call, CHECK, "run_check",',
    ),
    _odoo(
        "a skipped trial: the password is not tried before the first act",
        "access.py",
        "    trial=_trial,\n",
        "",
    ),
    _odoo(
        "a wrong status: archived people are present",
        "access.py",
        "phase = Phase.PRESENT if row.active else Phase.INACTIVE\n        role, undeletable",
        "phase = Phase.PRESENT\n        role, undeletable",
        "lesson_06",
    ),
    _odoo(
        "the server's own users are people, who are to be deleted",
        "access.py",
        "return _Known(nobodys, ",
        "return _Known([ROOT], ",
    ),
    _odoo(
        "the first administrator is one like any other",
        "access.py",
        "undeletable=undeletable",
        "undeletable=False",
    ),
    _odoo(
        "archived rows are not asked for",
        "vendor.py",
        'EVERYTHING = {"active_test": False}',
        'EVERYTHING = {"active_test": True}',
        "lesson_06",
    ),
    _odoo(
        "a page that says 200 is an answer",
        "vendor.py",
        "    if good and not _PAGE.match(answer.body):",
        "    if good:",
    ),
    _odoo(
        "a stale id: all rows of a refused call are called gone",
        "vendor.py",
        "    NO_ROW: Code.CONFLICT,",
        "    NO_ROW: Code.MISSING,",
    ),
    _odoo(
        "a question to a person is taken for an outage",
        "vendor.py",
        '    "odoo.exceptions.RedirectWarning": Code.REJECTED,',
        '    "odoo.exceptions.RedirectWarning": Code.UNAVAILABLE,',
    ),
    _odoo(
        "a skipped proof: an administrator is believed to see everything",
        "view.py",
        "whole_view=administrator and _nothing_hidden(call),",
        "whole_view=administrator,",
    ),
    _odoo(
        "a skipped proof: whoever counts what the server counts needs no rights",
        "view.py",
        "whole_view=administrator and _nothing_hidden(call),",
        "whole_view=_nothing_hidden(call),",
    ),
    _odoo(
        "the rule that hides keys is not looked for",
        "view.py",
        "        return _every_key(call) and any(",
        "        return any(",
    ),
    _odoo(
        "of several keys the first is believed to be ours",
        "view.py",
        "return str(fit[0].id) if len(fit) == 1 else None",
        "return str(fit[0].id) if fit else None",
    ),
    _odoo(
        "a wrong tenant is accepted",
        "view.py",
        "        tenant=text(named[0].value),",
        "        tenant=call.tenant or text(named[0].value),",
        "another_tenant",
    ),
    _odoo(
        "files of fields are left out",
        "view.py",
        '"ir.attachment": [["id", "!=", 0]],',
        '"ir.attachment": [],',
        "whole_view_is_proved",
    ),
    _odoo(
        "a dataset that shows fewer rows than there are is whole",
        "listings.py",
        "hidden += [] if whole else [each.model]",
        "hidden += []",
    ),
    _odoo(
        "a file is not held against its digest",
        "files.py",
        "if row.checksum and hashlib",
        "if not row.checksum and hashlib",
    ),
    _odoo(
        "a file that the server has lost is an empty one",
        "files.py",
        "if row.file_size and not content:",
        "if row.file_size and not row.checksum:",
    ),
    _odoo(
        "a missed page: rows end with the first",
        "data.py",
        "return Page(rows, None if last or not rows else rows[-1].id)",
        "return Page(rows, None)",
        "reading_goes_on_from_a_cursor",
    ),
    Mutation(
        "odoo: a missed page: a listing ends with its first",
        "crmstate/providers/kit/pages.py",
        "return Leaf([convert(row) for row in rows], key(rows[-1]))",
        "return Leaf([convert(row) for row in rows], None)",
        (SUITE, "-k", "odoo and (pages_of_any_size)"),
    ),
    _odoo(
        "a purge goes on after a lost answer",
        "purge.py",
        "                results.update((each, _failed(rest)) for part in todo for each in part)\n                break\n",
        "                continue\n",
    ),
    _odoo(
        "automations that are refused are none",
        "access.py",
        'if failure.vendor != NO_SUCH or count(call, "ir.model", [["model", "=", AUTOMATIONS]]):',
        "if failure.vendor != NO_SUCH:",
    ),
    _sandbox(
        "what was only accepted is done",
        "acts.py",
        "return Result(found.id, Outcome.REQUESTED, until=",
        "return Result(found.id, Outcome.DONE, until=",
        "accepted_for_later",
    ),
    _sandbox(
        "a lost id: the last of a batch is not sent",
        "acts.py",
        '{"ids": [item.id for item in batch.items], **body}',
        '{"ids": [item.id for item in batch.items][:-1], **body}',
        "an_act_does_what_it_says",
    ),
    _sandbox(
        "a wrong status: people who are switched off are present",
        "listings.py",
        '"inactive": Phase.INACTIVE}',
        '"inactive": Phase.PRESENT}',
        "lesson_06",
    ),
    _sandbox(
        "what is about to go is there",
        "listings.py",
        'return Resource(kind, row.id, label or "", Phase.PENDING, facts, utc(row.pending.completes_at))',
        'return Resource(kind, row.id, label or "", phase or Phase.UNKNOWN, facts)',
        "accepted_for_later or cells_phase",
    ),
    _sandbox(
        "a key that may read is believed to see everything",
        "vendor.py",
        'whole_view=role in {"owner", "admin"} and "read" in scopes,',
        'whole_view="read" in scopes,',
        "lesson_04 or weak_credential",
    ),
    _sandbox(
        "an ignored error: a revoked key is a missing right",
        "vendor.py",
        '"key_revoked": Code.EXPIRED,',
        '"key_revoked": Code.DENIED,',
        "dead_credential or lesson_01",
    ),
    _sandbox(
        "a token that ended is not renewed",
        "vendor.py",
        'renews=lambda failure: failure.vendor == "token_expired",',
        "",
        "renewed",
    ),
    _sandbox(
        "when a quota comes back is not said",
        "vendor.py",
        "until=error.resets_at, ",
        "",
        "used_up_quota",
    ),
    _sandbox(
        "a missed page: rows end with the first",
        "data.py",
        "for each, raw in zip(ids, raws, strict=True)]), found.next)",
        "for each, raw in zip(ids, raws, strict=True)]), None)",
        "reading_goes_on_from_a_cursor",
    ),
    _sandbox(
        "an address that has ended is a missing right",
        "data.py",
        "            failure.code = Code.EXPIRED\n",
        "            pass\n",
        "address_that_has_ended",
    ),
    _sandbox(
        "a result that has ended is done",
        "jobs.py",
        '"expired": JobStatus.GONE,',
        '"expired": JobStatus.DONE,',
        "result_that_has_ended",
    ),
    _sandbox(
        "any export is taken for ours",
        "jobs.py",
        "if (each.dataset, each.cursor) == (order.dataset, order.more))",
        "if each.id)",
    ),
    _sandbox(
        "an integration's address is shown whole",
        "listings.py",
        "without_secrets(row.target",
        "str(row.target",
    ),
    _paper(
        "a link is followed",
        "folder.py",
        "if not each.is_file(follow_symlinks=False)",
        "if not each.is_file()",
    ),
    _paper(
        "of two tables of one name the later one counts",
        "folder.py",
        "                if name in found:\n",
        "                if path in found.values():\n",
    ),
    _paper(
        "what people counted is a table of the vendor's",
        "folder.py",
        "path.suffix.lower() in TABLES and path.name != COUNTS:",
        "path.suffix.lower() in TABLES:",
    ),
    _paper(
        "a missed page: a table ends with its first",
        "folder.py",
        "        if len(found) < PAGE:\n",
        "        if len(found) <= PAGE:\n",
    ),
    _paper(
        "rows are numbered anew on each page",
        "folder.py",
        "self._row(dataset, start.rows + number, row)",
        "self._row(dataset, number, row)",
    ),
    _paper(
        "a reading that goes on begins again",
        "folder.py",
        "enumerate(islice(rows, start.rows), 1)",
        "enumerate(islice(rows, 0), 1)",
    ),
    _paper(
        "a file that grew is the same",
        "folder.py",
        "        if size != file.size:\n",
        "        if file.size is not None and size < file.size:\n",
    ),
    _paper(
        "a number of rows in other digits is one",
        "folder.py",
        "many.isascii() and many.isdigit()",
        "many.isnumeric()",
    ),
    _paper(
        "what nobody counted is nought",
        "folder.py",
        "else Count(None, exact=False)",
        "else Count(0)",
    ),
    _paper(
        "a table that changes while it is read is believed",
        "table.py",
        "(before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns)",
        "before.st_ino != after.st_ino",
    ),
    _paper(
        "of two columns of one name the last one counts",
        "table.py",
        " or len(set(header)) != len(header):",
        ":",
    ),
    _paper(
        "names in a European spreadsheet become Chinese ones",
        "table.py",
        'if name == "utf-8" or _chinese(head):',
        "if name:",
    ),
    _paper(
        "a file without a line break is taken into memory",
        "table.py",
        "while line := stream.readline(LONGEST):",
        "while line := stream.readline():",
    ),
    _paper(
        "files beside the tables are left out",
        "data.py",
        "*([FILES] if folder.others() else [])",
        "*[]",
    ),
    _paper(
        "a folder that nobody vouches for is the whole export",
        "session.py",
        "        if self._attested:\n",
        "        if rows:\n",
    ),
)


def run(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Pytest's answer, and the first test that failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-n", "0", *tests]
    known = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=known, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST
    )
    failed = [line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return done.returncode, failed[0].partition(" ")[2] if failed else done.stdout.strip()[-300:]


def copied(into: Path) -> Path:
    """The tree, with the environments of the servers beside it."""
    tree = into / "crmstate"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    for each in SERVERS:
        if (ROOT / each).exists():
            (tree / each).symlink_to(ROOT / each)
    return tree


def tried(tree: Path, mutation: Mutation) -> tuple[bool, str]:
    """Whether a test catches it, and which."""
    place = tree / mutation.file
    whole = place.read_text()
    if whole.count(mutation.old) != 1:
        return False, f"stands {whole.count(mutation.old)} times in {mutation.file}"
    place.write_text(whole.replace(mutation.old, mutation.new))
    try:
        code, said = run(tree, mutation.tests)
    finally:
        place.write_text(whole)
    words = {0: "SURVIVED", 1: said}
    return code == 1, words.get(code, f"pytest ends with {code}: {said}")


def main(names: Sequence[str]) -> int:
    wanted = [each for each in MUTATIONS if not names or any(name in each.name for name in names)]
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for tests in dict.fromkeys(each.tests for each in wanted):
            code, said = run(tree, tests)
            if code or " passed" not in said:  # where every test is skipped none can catch anything
                print(f"without any mutation: {' '.join(tests)} ends with {code}: {said}")
                return 2
        caught = 0
        for each in wanted:
            good, said = tried(tree, each)
            caught += good
            print(f"{'caught  ' if good else 'MISSED  '} {each.name}\n          {said}", flush=True)
    print(f"{caught} of {len(wanted)} caught")
    return 0 if caught == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
