"""Field types: every kind of scalar that a manifest holds, with its format (for us) and pattern (for editors)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from crmstate.manifest import formats, written
from crmstate.manifest.formats import fits


@dataclass(frozen=True)
class Format:
    """A text's format: its name for us, its pattern for editors, and the JSON types in which it may be written."""

    name: str
    pattern: str
    types: tuple[str, ...] = ("string",)

    def check(self, text: str) -> str:
        """The text itself. Raises ValueError where it is not of this format."""
        if not fits(self.name, text):
            raise ValueError(f"not a {self.name}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number = {"minimum": 0} if "number" in self.types else {}
        type = self.types[0] if len(self.types) == 1 else list(self.types)
        return {"type": type, "format": self.name, "pattern": self.pattern, **number}


class Part(BaseModel):
    """A mapping of the manifest: unknown keys are errors, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


Text = Annotated[str, Field(min_length=1, max_length=2000)]
Day = Annotated[str, Format("date", written.DATE)]
Period = Annotated[str, Format("crm-duration", written.DURATION)]
Interval = Annotated[str, Format("crm-interval", written.INTERVAL)]
Time = Annotated[str, Format("crm-time", written.TIME)]
When = Annotated[str, Format("crm-moment", written.MOMENT)]
Currency = Annotated[str, Format("crm-currency", formats.CURRENCY)]
Zone = Annotated[str, Format("crm-zone", formats.ZONE)]
Email = Annotated[str, Format("crm-email", formats.EMAIL)]
Url = Annotated[str, Format("crm-url", formats.URL)]
Name = Annotated[str, Format("crm-name", formats.NAME)]
Ident = Annotated[str, Format("crm-id", formats.IDENT)]
EnvName = Annotated[str, Format("crm-env", formats.ENV)]
Share = Annotated[str, Format("crm-share", written.SHARE)]
Location = Annotated[str, Format("crm-location", formats.LOCATION)]
AgeRecipient = Annotated[str, Format("crm-recipient", formats.RECIPIENT)]
Holidays = Annotated[str, Format("crm-holidays", formats.HOLIDAYS)]
Clock = Annotated[str, Format("crm-clock", written.CLOCK)]
Language = Annotated[str, Format("crm-language", formats.LANGUAGE)]
FilePath = Annotated[str, Format("crm-path", formats.FILE)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]

Amount = Annotated[str, Format("crm-amount", written.AMOUNT, ("string", "number"))]
Remote = Annotated[
    str,
    Field(min_length=1, max_length=200),
    WithJsonSchema({"type": ["string", "number"], "minLength": 1, "maxLength": 200}),
]
"""A vendor's id: digits may be written without quotes and keep their leading zeros."""

Point = Annotated[str, Format("crm-id", formats.IDENT)]
"""A milestone or the id of a `people` entry."""

Proof = Literal["attested", "acknowledged", "certified"]
