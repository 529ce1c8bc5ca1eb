"""An encrypted archive: nothing plain ever lies anywhere, it is checked without a key and opened with one, and it goes
on after a crash without anybody's identity."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from pathlib import Path

import pyrage
import pytest
from archive_vendor import Clock, Crash, Dataset, Effects, Vendor, attachment, resource, row, tree
from grounds import Ground
from locks import Key, lock, locked
from msgspec.structs import replace

from crmstate.archive import locked as locking
from crmstate.archive import manifest, opening, reading, verify
from crmstate.archive.checks import Wanted as Checked
from crmstate.archive.folder import Archive, FolderArchive
from crmstate.archive.layout import Place, slug
from crmstate.archive.local import Local, LocalReads
from crmstate.archive.pack import packed
from crmstate.core.diagnostic import Problem
from crmstate.core.secret import Secret

CANARY = "canary"


def vendor() -> Vendor:
    """Everything that is a customer's has a canary in it: rows, ids, files, their names, field metadata, cursors."""
    people = Dataset({f"{CANARY}-{n}": row(f"{CANARY}-{n}", name=f"{CANARY} {n}") for n in range(8)})
    people.files = [
        attachment("f1", f"{CANARY}-1", b"canary content", "canary.txt"),
        attachment("f2", f"{CANARY}-2", b"", "empty"),
        attachment("f3", f"{CANARY}-3", b"canary content", "again"),
    ]
    deals = Dataset({f"d{n}": row(f"d{n}", text=CANARY) for n in range(2)})
    deals.files = [attachment("g1", "d1", b"canary content")]
    made = Vendor(people=people, deals=deals, nothing=Dataset())
    made.described["people"] = b'{"fields":["canary"]}'
    return made


def plain_in(*folders: Path) -> list[str]:
    """The files below these folders that say something that only a customer's data says."""
    told = [CANARY.encode(), b"canary content"]
    told += [base64.b64encode(each)[:12] for each in (b"canary-1", b"canary-2", b"canary-5")]
    sums = [hashlib.sha256(each).hexdigest().encode() for each in (b"canary content", b"")]
    found = {str(folder / name): data for folder in folders for name, data in tree(folder).items()}
    return [name for name, data in found.items() if any(each in data or each.decode() in name for each in told + sums)]


def taken(root: Path, source: Vendor, *keys: Key, identity: Key | None = None) -> dict[str, str]:
    made = locked(root, *keys, identity=identity)
    return {id: made.archive(source, resource(id), True).sha256 for id in source.datasets}


def codes(found: pytest.ExceptionInfo[Problem]) -> list[str]:
    return [each.code for each in found.value.diagnostics]


def test_nothing_of_a_customer_is_readable_without_a_key(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    taken(root, vendor(), Key())
    assert plain_in(tmp_path) == []
    FolderArchive(tmp_path / "plain", Effects(), Clock(), "me").archive(vendor(), resource("people"), True)
    assert len(plain_in(tmp_path / "plain")) >= 3  # so that this way of looking sees something
    names = [name for name in tree(root) if name.startswith(("data/", "schema/"))]
    assert names and all(name.endswith(".age") for name in names)


def test_the_content_on_record_is_that_of_a_plain_archive(tmp_path: Path) -> None:
    plain = FolderArchive(tmp_path / "plain", Effects(), Clock(), "me")
    sums = {id: plain.archive(vendor(), resource(id), True).sha256 for id in vendor().datasets}
    key = Key()
    assert taken(tmp_path / "a", vendor(), key) == sums == taken(tmp_path / "b", vendor(), key, identity=key)


def test_equal_attachments_are_stored_once_for_a_dataset_and_have_other_names_in_another(tmp_path: Path) -> None:
    taken(tmp_path / "a", vendor(), Key())
    assert len([name for name in tree(tmp_path / "a") if "/attachments/" in name]) == 3
    first = {name for name in tree(tmp_path / "a") if "/attachments/" in name}
    taken(tmp_path / "b", vendor(), Key())
    assert not first & set(tree(tmp_path / "b"))


@pytest.mark.parametrize("number", [0, 1])
def test_each_recipient_reads_everything(tmp_path: Path, number: int) -> None:
    keys, root = [Key(), Key()], tmp_path / "exit"
    sums = taken(root, vendor(), *keys)
    store, found = opening.opened(LocalReads(root))
    wrap = opening.unwrapped(store, found, Secret(keys[number].secret))
    results = opening.checked(store, found, opening.chosen(found, []), True, wrap)
    assert {each.dataset: each.content for each in results} == sums
    assert all([one.method for one in each.checks][:2] == ["checksums", "restore_test"] for each in results)
    (people,) = opening.chosen(found, ["people"])
    rows = [each.raw for each in reading.rows(Place(store, "people", wrap), people)]
    assert rows == list(vendor().datasets["people"].rows.values())


def test_somebody_elses_key_opens_nothing_and_is_told_so(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    taken(root, vendor(), Key())
    store, found = opening.opened(LocalReads(root))
    with pytest.raises(Problem) as refused:
        opening.unwrapped(store, found, Secret(Key().secret))
    assert codes(refused) == ["CRM-A081"]
    for text in ("AGE-SECRET-KEY-1XYZ", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"):
        with pytest.raises(Problem) as refused:
            opening.unwrapped(store, found, Secret(text))
        assert codes(refused) == ["CRM-A082"] and text[:20] not in repr(refused.value)


def test_the_working_key_reads_ids_and_no_records(tmp_path: Path) -> None:
    """What a thief of the state's folder has."""
    root = tmp_path / "exit"
    taken(root, vendor(), Key())
    working = (tmp_path / "exit.state" / "archive.key").read_text().strip()
    identity = pyrage.x25519.Identity.from_str(working)
    opened = set()
    for name, data in tree(root).items():
        if name.endswith(".age"):
            try:
                pyrage.decrypt(data, [identity])
            except pyrage.DecryptError:
                continue
            opened.add(name.rpartition("/")[2].split(".", 1)[1] if "/0" in name else name.rpartition("/")[2][:4])
    assert opened == {"index.zst.age", "attachments.jsonl.zst.age", "ids-"}
    assert (tmp_path / "exit.state" / "archive.key").stat().st_mode & 0o777 == 0o600


def test_an_export_with_an_identity_keeps_no_key_of_its_own(tmp_path: Path) -> None:
    key = Key()
    taken(tmp_path / "exit", vendor(), key, identity=key)
    assert tree(tmp_path / "exit.state") == {}


def test_an_identity_that_would_not_read_back_is_refused_before_the_export(tmp_path: Path) -> None:
    source = vendor()
    with pytest.raises(Problem) as refused:
        taken(tmp_path / "exit", source, Key(), identity=Key())
    assert codes(refused) == ["CRM-A081"] and source.calls == 0


@pytest.mark.parametrize("known", [False, True])
def test_what_is_verified_is_what_could_be_read(tmp_path: Path, known: bool) -> None:
    key, root, source = Key(), tmp_path / "exit", vendor()
    made = locked(root, key, identity=key if known else None, wanted=Checked(0.5, True))
    made.archive(source, resource("people"), True)
    found = made.verify(source, resource("people"))
    methods = {each.method: each.said for each in found.checks}
    if known:
        said = {"checksums": "equal", "counts": "exact", "sample": "equal", "restore_test": "sqlite"}
        assert methods == {**said, "attachments": "sized"}
    else:
        assert methods == {"index": "equal", "counts": "exact", "sample": "equal", "restore_test": "not_read"}
        assert found.method == "index+counts+sample" and found.checks[0].rows is None
    assert list(made.ids("people", found.sha256)) == list(source.datasets["people"].rows)


def test_without_any_key_the_ciphertext_is_checked_and_no_more(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    taken(root, vendor(), Key())
    store, found = opening.opened(LocalReads(root))
    wrap = opening.unwrapped(store, found, None)
    results = opening.checked(store, found, opening.chosen(found, []), False, wrap)
    assert {one.method for each in results for one in each.checks} == {"ciphertext"}
    assert all(one.rows is None and one.files for each in results for one in each.checks)
    with pytest.raises(Problem) as refused:
        opening.checked(store, found, opening.chosen(found, []), True, wrap)
    assert codes(refused) == ["CRM-A080"]
    with pytest.raises(Problem) as refused:
        list(reading.rows(Place(store, "people", wrap), opening.chosen(found, ["people"])[0]))
    assert codes(refused) == ["CRM-A080"]


@pytest.mark.parametrize("known", [False, True])
def test_a_delta_adds_to_it_and_removes_nothing(tmp_path: Path, known: bool) -> None:
    key, root, source = Key(), tmp_path / "exit", vendor()
    identity = key if known else None
    taken(root, source, key, identity=identity)
    before = tree(root)
    people = source.datasets["people"]
    del people.rows[f"{CANARY}-7"]
    people.rows[f"{CANARY}-1"] = row(f"{CANARY}-1", name="canary, changed")
    people.files[1] = attachment("f2", f"{CANARY}-2", b"canary content", "now the same")
    people.files.append(attachment("f9", f"{CANARY}-2", b"canary, more"))
    found = locked(root, key, identity=identity).delta(source, resource("people"), True)
    plain = FolderArchive(tmp_path / "plain", Effects(), Clock(), "me")
    assert found.sha256 == plain.archive(source, resource("people"), True).sha256
    after = tree(root)
    kept = [name for name in before if name.startswith(("data/", "schema/"))]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    (tmp_path / "plain").rename(tmp_path.parent / f"{tmp_path.name}-plain")
    assert plain_in(tmp_path) == []


@pytest.mark.parametrize("step", [pytest.param(13, id="some"), pytest.param(2, id="many", marks=pytest.mark.deep)])
@pytest.mark.parametrize("when", ["before", "torn", "after"])
@pytest.mark.parametrize("known", [False, True])
def test_a_crash_at_any_effect_leaves_nothing_plain_and_is_gone_on_from(
    tmp_path: Path, known: bool, when: str, step: int
) -> None:
    key = Key()
    identity = key if known else None
    whole = Effects()
    made = locked(tmp_path / "whole", key, identity=identity, effects=whole)
    sums = {id: made.archive(vendor(), resource(id), True).sha256 for id in ("people", "deals")}
    for stop in range(1, whole.count + 1, step):
        root = tmp_path / f"{stop}"
        with pytest.raises(Crash):
            made = locked(root, key, identity=identity, effects=Effects(stop, when))
            for id in ("people", "deals"):
                made.archive(vendor(), resource(id), True)
        assert plain_in(root, root.with_name(root.name + ".state")) == []
        made = locked(root, key, identity=identity)
        assert {id: made.archive(vendor(), resource(id), True).sha256 for id in ("people", "deals")} == sums
        store, found = opening.opened(LocalReads(root))
        wrap = opening.unwrapped(store, found, Secret(key.secret))
        opening.checked(store, found, opening.chosen(found, []), False, wrap)


def test_it_goes_on_only_for_the_recipients_that_it_has(tmp_path: Path) -> None:
    key, root = Key(), tmp_path / "exit"
    taken(root, vendor(), key)
    for others in ((Key(),), (key, Key())):
        with pytest.raises(Problem) as refused:
            locked(root, *others).delta(vendor(), resource("people"), True)
        assert codes(refused) == ["CRM-A083"]


def test_plain_and_encrypted_are_never_mixed(tmp_path: Path) -> None:
    key, root = Key(), tmp_path / "exit"
    taken(root, vendor(), key)
    open_, closed = FolderArchive(root, Effects(), Clock(), "me"), tmp_path / "plain"
    for act in (open_.archive, open_.delta):
        with pytest.raises(Problem) as refused:
            act(vendor(), resource("people"), True)
        assert codes(refused) == ["CRM-A084"]
    FolderArchive(closed, Effects(), Clock(), "me").archive(vendor(), resource("people"), True)
    with pytest.raises(Problem) as refused:
        locked(closed, key).delta(vendor(), resource("people"), True)
    assert codes(refused) == ["CRM-A084"]


def test_without_working_key_and_identity_it_cannot_go_on_and_with_an_identity_it_can(tmp_path: Path) -> None:
    key, root, source = Key(), tmp_path / "exit", vendor()
    taken(root, source, key)
    (tmp_path / "exit.state" / "archive.key").unlink()
    with pytest.raises(Problem) as refused:
        locked(root, key).delta(source, resource("people"), True)
    assert codes(refused) == ["CRM-A085"]
    source.datasets["people"].rows["later"] = row("later")
    found = locked(root, key, identity=key).delta(source, resource("people"), True)
    assert found.rows == 9 and found.checks[0].method == "checksums"


def test_a_working_key_or_names_of_attachments_that_somebody_exchanged_are_noticed(tmp_path: Path) -> None:
    key, root = Key(), tmp_path / "exit"
    taken(root, vendor(), key)
    file = root / "encryption.json"
    made = json.loads(file.read_bytes())
    to = [pyrage.x25519.Recipient.from_str(key.public), pyrage.x25519.Identity.from_str(
        (tmp_path / "exit.state" / "archive.key").read_text().strip()).to_public()]  # fmt: skip
    made["names"] = base64.b64encode(pyrage.encrypt(bytes(32), to)).decode()
    file.write_bytes(json.dumps(made, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    with pytest.raises(Problem) as refused:
        locking.agreed(Local(root, Effects()), lock(root, key), None)
    assert codes(refused) == ["CRM-A002"]
    with pytest.raises(Problem) as refused:
        locked(root, key).verify(vendor(), resource("people"))
    assert codes(refused) == ["CRM-A002"]


def tiny(root: Path, key: Key) -> None:
    source = Vendor(t=Dataset({"1": row("1", a="b"), "2": row("2")}, [attachment("f", "1", b"xy")]))
    locked(root, key).archive(source, resource("t"), True)


def noticed(root: Path) -> bool:
    """Whether somebody without a key notices that something is wrong."""
    try:
        store, found = opening.opened(LocalReads(root))
        opening.checked(store, found, opening.chosen(found, []), False, opening.unwrapped(store, found, None))
    except Problem:
        return True
    return False


EVERY_BIT = [
    pytest.param((), id="some"),
    *(pytest.param((n, n + 4), id=f"{n} and {n + 4}", marks=pytest.mark.deep(seconds=12)) for n in range(4)),
]


@pytest.mark.parametrize("bits", EVERY_BIT)
def test_a_flipped_bit_in_any_byte_is_noticed_without_a_key(tmp_path: Path, bits: tuple[int, ...]) -> None:
    """One in every seventh byte; in the deep suite all in each of what is encrypted, of `encryption.json` and the journal."""
    root = tmp_path / "exit"
    tiny(root, Key())
    assert not noticed(root)
    unnoticed = []
    for name, data in tree(root).items():
        if bits and not (name.endswith(".age") or name.startswith(("encryption", "journal"))):
            continue
        for place in range(0, len(data), 1 if bits else 7):
            for bit in bits or [place % 8]:
                (root / name).write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
                if not noticed(root):
                    unnoticed.append((name, place, bit))
        (root / name).write_bytes(data)
    assert unnoticed == [] and not noticed(root)


def test_each_missing_cut_and_extra_file_is_noticed_without_a_key(tmp_path: Path) -> None:
    root = tmp_path / "exit"
    tiny(root, Key())
    for name, data in tree(root).items():
        for other in (None, data[:-1], data + b"\0"):
            (root / name).unlink()
            if other is not None:
                (root / name).write_bytes(other)
            assert noticed(root), (name, other)
            (root / name).write_bytes(data)
    for name in (
        "x.age",
        "data/x.age",
        f"data/{slug('t')}/000009.jsonl.zst.age",
        f"data/attachments/ab/ab{'0' * 62}.age",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
        assert noticed(root), name
        (root / name).unlink()
    assert not noticed(root)


def test_a_segment_that_was_exchanged_with_all_checksums_is_noticed_with_the_key(tmp_path: Path) -> None:
    """Anybody can encrypt to a public key; what is within must be what the index says."""
    key, root = Key(), tmp_path / "exit"
    tiny(root, key)
    found = manifest.load(LocalReads(root))
    assert found is not None
    name = f"data/{slug('t')}/000000.jsonl.zst.age"
    forged = pyrage.encrypt(packed(b'{"id": "1"}\n{"id": "2"}\n'), [pyrage.x25519.Recipient.from_str(key.public)])
    (root / name).write_bytes(forged)
    store = LocalReads(root)
    wrap = opening.unwrapped(store, found, Secret(key.secret))
    (seal,) = found.manifest.datasets
    files = tuple(
        m if m.file != name else type(m)(name, len(forged), hashlib.sha256(forged).hexdigest()) for m in seal.files
    )
    wrong = verify.Wrong()
    verify.check(Place(store, "t", wrap), found, replace(seal, files=files), wrong, verify.Read())
    assert "CRM-A005" in [each.code for each in wrong.found]


def test_it_can_lie_anywhere(ground: Ground, tmp_path: Path) -> None:
    """In a folder, in an object store; what is cut off there goes on, too."""
    key, source, effects = Key(), vendor(), Effects()
    told = lock(tmp_path / "exit", key)

    def archive(effects: Effects) -> Archive:
        return Archive(ground.store("exit", effects), Clock(), "me", lock=told)

    sums = {
        id: FolderArchive(tmp_path / "plain", effects, Clock(), "me").archive(vendor(), resource(id), True).sha256
        for id in source.datasets
    }
    for stop in (9, 21, 40):
        with contextlib.suppress(Crash):
            archive(Effects(stop, "after")).archive(source, resource("people"), True)
    assert {id: archive(Effects()).archive(source, resource(id), True).sha256 for id in source.datasets} == sums
    files = ground.files("exit")
    assert not any(CANARY.encode() in data or CANARY in name for name, data in files.items())
    store, found = opening.opened(ground.store("exit", Effects()))
    wrap = opening.unwrapped(store, found, Secret(key.secret))
    results = opening.checked(store, found, opening.chosen(found, []), True, wrap)
    assert {each.dataset: each.content for each in results} == sums


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_rows_that_changed_at_the_vendor_are_noticed_by_their_digests(tmp_path: Path, share: float) -> None:
    key, root, source = Key(), tmp_path / "exit", vendor()
    made = locked(root, key, wanted=Checked(share))
    made.archive(source, resource("people"), True)
    people = source.datasets["people"].rows
    asked = source.calls
    method = made.verify(source, resource("people")).checks[2]
    assert (method.method, method.rows) == (("full", 8) if share == 1 else ("sample", 4)) and source.calls > asked
    for id in people:
        people[id] = people[id].replace(b"}", b" }")
    with pytest.raises(Problem) as refused:
        made.verify(source, resource("people"))
    assert codes(refused) == ["CRM-A031"]
    assert made.delta(source, resource("people"), True).method.startswith("index+counts+")
    source.datasets["people"].rows = {"new": row("new"), **{f"new{n}": row(f"new{n}") for n in range(7)}}
    with pytest.raises(Problem) as refused:
        made.verify(source, resource("people"))
    assert codes(refused) == ["CRM-A031"]
