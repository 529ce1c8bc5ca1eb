"""crmstate archive delta: what is new at the vendor is added beside every plan, under the lock and on the record; and it
never stands for the delta that follows the freeze."""

from __future__ import annotations

from crmstate.core.words import Verb
from crmstate.sandbox import World
from crmstate.store.load import read

from .scenes import effects, rows_added
from .site import MANIFEST, Site, rows_of

ALONE = f"{MANIFEST.partition('end_state:')[0]}end_state:\n  data:\n    archive: {{to: archive/}}\n"


def delta(here: Site, *args: str) -> tuple[int, str]:
    said = here.run("archive", "delta", str(here.manifest), *args)
    return said.code, said.out + said.err


def test_it_adds_what_is_new_and_verifies_the_whole(here: Site) -> None:
    here.write(ALONE)
    assert here.apply().code == 0
    rows_added(here, "deals", "late")
    code, text = delta(here, "--format", "json")
    assert code == 0, text
    assert b'"late"' in rows_of(here.folder / "archive", "deals")
    state = read(here.folder, "exit").state
    proof = state.proved("deals")
    assert proof is not None and (proof.verb, proof.occurrence, proof.rows) == (Verb.VERIFY, 2, 8)
    assert here.plan("--detailed-exitcode").code == 0
    assert here.apply().code == 0 and delta(here, "--dataset", "Deals")[0] == 0


def test_the_delta_after_the_freeze_is_taken_all_the_same(here: Site) -> None:
    here.change("cutover: {freeze: now}", "cutover: {freeze: 2099-01-01T00:00}")
    assert here.apply().code == 0
    assert delta(here)[0] == 0
    here.change("cutover: {freeze: 2099-01-01T00:00}", "cutover: {freeze: now}")
    steps = here.plan("--format", "json").json["steps"]
    assert {step["address"] for step in steps if step["verb"] == "delta"} == {"archive/contacts", "archive/deals"}
    rows_added(here, "deals", "later")
    assert here.apply().code == 0
    assert b'"later"' in rows_of(here.folder / "archive", "deals")


def test_a_location_that_is_not_mounted_is_said_to_be_away(here: Site) -> None:
    here.write(ALONE)
    assert here.apply().code == 0
    away = here.folder / "the disk that is away"
    (here.folder / "archive").rename(away)
    code, text = delta(here)
    assert code == 1 and "CRM-A094" in text and "CRM-A009" not in text
    away.rename(here.folder / "archive")
    assert delta(here)[0] == 0


def test_there_must_be_an_archive_and_the_lock_must_be_free(here: Site) -> None:
    code, text = delta(here)
    assert code == 3 and "CRM-C041" in text
    assert here.apply().code == 0
    code, text = delta(here, "--dataset", "leads")
    assert code == 64 and "contacts" in text
    from crmstate.cli.clock import RealClock
    from crmstate.cli.effects import Straight
    from crmstate.store.store import Store

    with Store.open(here.folder, "exit", Straight(), RealClock(), "somebody"):
        assert delta(here)[0] == 4


def test_a_vendor_that_breaks_off_leaves_nothing_on_record_and_it_goes_on(here: Site, quick: None) -> None:
    here.write(ALONE)
    assert here.apply().code == 0
    rows_added(here, "deals", "late")
    here.fault("unavailable", method="GET", path="/v1/datasets/deals/rows")
    before = read(here.folder, "exit").state.serial
    assert delta(here)[0] == 1
    with World.open(here.data) as world:
        world.clear_faults()
    assert delta(here)[0] == 0
    assert read(here.folder, "exit").state.serial > before
    assert b'"late"' in rows_of(here.folder / "archive", "deals")


def test_what_was_archived_by_jobs_is_continued_by_an_apply_alone(here: Site) -> None:
    here.write(ALONE.replace("{to: archive/}", "{to: archive/, by: jobs}"))
    assert here.apply().code == 0
    code, text = delta(here)
    assert code == 1 and "CRM-A102" in text
    assert here.run("archive", "verify", str(here.folder / "archive")).code == 0


def submitted(here: Site) -> int:
    return sum(each["verb"] == "submit" for each in effects(here))


def test_an_archive_by_jobs_is_added_to_by_jobs_where_somebody_says_so(here: Site) -> None:
    here.write(ALONE.replace("to: archive/", "to: archive/, by: jobs"))
    assert here.apply().code == 0
    rows_added(here, "deals", "late")
    before = submitted(here)
    code, text = delta(here, "--dataset", "deals")
    assert code == 1 and "CRM-A102" in text and "--jobs" in text and submitted(here) == before
    code, text = delta(here, "--dataset", "deals", "--jobs")
    assert (code, submitted(here)) == (0, before + 1), text
    assert b'"late"' in rows_of(here.folder / "archive", "deals")
    proof = read(here.folder, "exit").state.proved("deals")
    assert proof is not None and (proof.verb, proof.rows) == (Verb.VERIFY, 8)


def test_a_plan_names_the_jobs_of_a_delta_by_how_the_archive_was_made(here: Site) -> None:
    later = MANIFEST.replace("cutover: {freeze: now}", "cutover: {freeze: 2099-01-01T00:00}")
    here.write(later.replace("datasets: all,", "datasets: all, by: jobs,"))
    assert here.apply().code == 0
    before = submitted(here)
    here.write(MANIFEST)  # which does not say by what
    named = [each for each in here.plan("--format", "json").json["steps"] if each["verb"] == "delta"]
    assert [each["jobs"] for each in named] == [1, 1]
    assert here.apply().code == 0
    assert submitted(here) == before + 2, "as many as the plan names"


def test_a_verification_that_meets_other_rows_submits_as_many_jobs_as_the_plan_names(here: Site, quick: None) -> None:
    here.write(ALONE.replace("{to: archive/}", "{to: archive/, by: jobs, datasets: [deals]}"))
    here.fault("unavailable", method="GET", path="/v1/datasets/deals/count")
    assert here.apply().code == 6
    with World.open(here.data) as world:
        world.clear_faults()
    rows_added(here, "deals", "late")
    before = submitted(here)
    plan = here.plan("--format", "json").json
    assert [(each["verb"], each["jobs"], each["why"]["code"]) for each in plan["steps"] if each["kind"] == "archive"] == [
        ("verify", 1, "why.verify.jobs"),
    ]  # fmt: skip
    assert here.apply().code == 0
    assert submitted(here) == before + 1
    assert b'"late"' in rows_of(here.folder / "archive", "deals")


def test_it_reads_the_attachments_that_nobody_gives_up_any_more(here: Site) -> None:
    """As the plan would, before it purges."""

    def planned() -> list[str]:
        found = here.plan("--format", "json").json["steps"]
        return [each["why"]["code"] for each in found if (each["verb"], each["address"]) == ("delta", "archive/deals")]

    purged = f"{ALONE}    purge: {{status: purged}}\nsafeguards: {{approvals: {{irreversible: 1}}}}\n"
    decision = "    discard: [{dataset: Deals, attachments: all, why: scans, by: head@example.com}]\n    purge:"
    here.write(purged.replace("    purge:", decision))
    here.apply()

    here.write(purged)
    found = [planned()]
    here.advance("1h")
    code, text = delta(here, "--dataset", "Deals")
    found.append(planned())

    assert code == 0, text
    assert [["why.delta.attachments"], []] == found
