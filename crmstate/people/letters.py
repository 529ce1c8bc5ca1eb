"""Letters: which there are, and what law each leans on. The words stand in `templates/`, a file for each and language."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "zh-CN")


@dataclass(frozen=True)
class Letter:
    """One kind of letter. `laws`: it leans on one of these, so that the contract's regimes should name one; none: it
    leans on the contract alone."""

    name: str
    laws: tuple[str, ...] = ()


LETTERS = {
    letter.name: letter
    for letter in (
        Letter("non-renewal"),
        Letter("cancellation"),
        Letter("switch-provider", ("eu-data-act",)),
        Letter("switch-on-premises", ("eu-data-act",)),
        Letter("switch-erase", ("eu-data-act",)),
        Letter("deletion", ("gdpr", "uk-gdpr", "pipl", "ccpa")),
        Letter("certificate"),
        Letter("settlement"),
    )
}
