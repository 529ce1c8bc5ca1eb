"""Spoken: days, periods and sums as a letter writes them, in its language. Nothing here knows the machine's locale."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from crmstate.core.contract import Period

_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh-CN": ("一", "二", "三", "四", "五", "六", "日"),
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_UNITS = {"days": "日", "working_days": "个工作日", "weeks": "周", "months": "个月", "years": "年"}
_PER = {"month": "每月", "quarter": "每季度", "year": "每年", "term": "每个合同期"}
_MONEY = {
    "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "JPY": "日元", "SGD": "新加坡元",
}  # fmt: skip


def day(found: date, lang: str) -> str:
    """`Thursday, 31 December 2026`, `2026年12月31日（星期四）`."""
    weekday = _WEEKDAYS[lang][found.weekday()]
    return f"{plain_day(found, lang)}（星期{weekday}）" if lang == "zh-CN" else f"{weekday}, {plain_day(found, lang)}"


def plain_day(found: date, lang: str) -> str:
    """The same without the weekday: the day on which a letter is written."""
    if lang == "zh-CN":
        return f"{found.year}年{found.month}月{found.day}日"
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def period(found: Period, lang: str) -> str:
    """`60 days`, `60日`."""
    if lang == "zh-CN":
        return f"{found.count}{_UNITS[found.unit]}"
    unit = found.unit.replace("_", " ")
    return f"{found.count} {unit.removesuffix('s') if found.count == 1 else unit}"


def money(amount: str, currency: str, lang: str) -> str:
    """`USD 14,400.00`, `14,400.00美元`: an amount is as exact as it was written."""
    digits = f"{Decimal(amount):,}"
    if lang == "zh-CN" and currency == "CNY":
        return f"人民币{digits}元"
    return f"{digits}{_MONEY.get(currency, ' ' + currency)}" if lang == "zh-CN" else f"{currency} {digits}"


def price(amount: str, currency: str, per: str, lang: str) -> str:
    """`USD 14,400.00 per year`, `每年14,400.00美元`."""
    sum = money(amount, currency, lang)
    return f"{_PER[per]}{sum}" if lang == "zh-CN" else f"{sum} per {per}"


def files(count: int | None, lang: str) -> str:
    """Files that belong to no table, and how many of them there are."""
    if lang == "zh-CN":
        return "文件和附件" if count is None else f"文件和附件（{count:,} 个文件）"
    many = "" if count is None else " (1 file)" if count == 1 else f" ({count:,} files)"
    return f"documents and attachments{many}"


def product(title: str, lang: str) -> str:
    """A vendor's name for its product in one language: of `FXiaoke 纷享销客` the part that belongs to it."""
    words = title.split()
    chinese = [word for word in words if any("\u4e00" <= sign <= "\u9fff" for sign in word)]
    if not chinese or len(chinese) == len(words):
        return title
    return " ".join(chinese if lang == "zh-CN" else [word for word in words if word not in chinese])
