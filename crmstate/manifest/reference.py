"""References: how a manifest names a secret without holding it, and the provider section that uses them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from crmstate.manifest.field import EnvName, FilePath, Part, Remote, Text, Url

_ONE: dict[str, Any] = {"minProperties": 1, "maxProperties": 1}


class Reference(Part):
    """Where a secret is read from: exactly one of env, file, keyring, command. Never the secret itself."""

    model_config = {**Part.model_config, "json_schema_extra": _ONE}

    env: EnvName | None = Field(
        None,
        description="An environment variable. CRMSTATE_* and the provider's prefixes are allowed; others the operator allows.",
    )
    file: FilePath | None = Field(
        None,
        description="A file inside the manifest's folder that holds the secret and nothing else; relative to the manifest.",
    )
    keyring: Text | None = Field(
        None, description="`service/account` in the system's keyring. The operator must allow it."
    )
    command: Annotated[list[Text], Field(min_length=1, max_length=50)] | None = Field(
        None, description="A command and its arguments that prints the secret. The operator must allow it."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Reference:
        if len(self.model_fields_set) != 1:
            raise ValueError("exactly one of env, file, keyring, command")
        return self


Credential = Annotated[dict[str, Reference], Field(min_length=1, max_length=20)]


class Credentials(Part):
    """Two credentials, so that planning can hold one that cannot write."""

    read: Credential = Field(
        description="The credential that plan and status use; read rights are enough. Field names are the provider's."
    )
    write: Credential | None = Field(
        None, description="The credential that apply uses. Without it, a manifest can be planned but not applied."
    )


class Coverage(Part):
    """Somebody's word that the credentials see everything, for vendors whose API cannot prove it."""

    by: Text = Field(description="Who looked, as a mail address or a name.")
    why: Text = Field(description="How they know: what was compared with what, and when.")


Encoding = Literal[
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk", "gb2312", "big5", "shift_jis", "euc-kr",
    "windows-1250", "windows-1251", "windows-1252", "iso-8859-1", "iso-8859-2", "iso-8859-15",
]  # fmt: skip


class TableSection(Part):
    """How a table among the exports is read."""

    model_config = {**Part.model_config, "json_schema_extra": {"minProperties": 1}}

    encoding: Encoding | None = Field(
        None,
        description="In which encoding it is written. Without it, as its mark says, or else as its bytes look: a guess.",
    )
    id: Text | None = Field(
        None,
        description="The column that names each record: never empty, and never the same twice. Without it a record is known by its "
        "number in the file, so that a new export with one more in the middle makes others of all that follow.",
    )


class ProviderSection(Part):
    """Which vendor account this is about, and how to reach it."""

    name: Text = Field(
        description="The vendor, such as sandbox, zoho, salesforce, hubspot, fxiaoke. `crmstate providers` lists them."
    )
    embedded: FilePath | None = Field(
        None,
        description="Sandbox only: the file of a simulated vendor, which the command starts itself. Needs no tenant or credentials.",
    )
    exports: FilePath | None = Field(
        None,
        description="For a vendor without an API (paper): the folder, beside the manifest, where people put what the vendor's own "
        "export gave: a CSV file per dataset, other files as they are, and counts.csv. It stands in the place of credentials.",
    )
    tables: Annotated[dict[str, TableSection], Field(min_length=1)] | None = Field(
        None,
        description="How the tables among the exports are read, by the name of their dataset; `*` for all that are not named.",
    )
    tenant: Remote | None = Field(
        None, description="The vendor's id of your account. crmstate refuses to act when the API reports another one."
    )
    region: Text | None = Field(None, description="The vendor's data centre, such as eu, com, cn.")
    url: Url | None = Field(
        None,
        description="The server's address, where it is your own. The operator must allow hosts that are not the provider's.",
    )
    coverage: Coverage | None = Field(
        None,
        description="Who attests that the credentials see everything, where the vendor's API cannot prove it (such as jiandaoyun). "
        "Without it, nothing is concluded from what is not shown.",
    )
    credentials: Credentials | None = Field(
        None, description="References to the secrets; never the secrets themselves."
    )
