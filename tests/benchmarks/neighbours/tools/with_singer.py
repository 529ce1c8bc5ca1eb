"""A tap for the vendor, written with the Singer SDK, to be piped into a target.

    python with_singer.py --config CONFIG [--state STATE] | target-jsonl --config CONFIG

The configuration has `url`, `token`, `dataset` and `mode`. `plain` declares every field of the vendor's first page with
its type, as the SDK's guide does it. `careful` declares nothing but the id, lets further fields pass, and has values
left as they came.
"""

from __future__ import annotations

from typing import ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import JSONPathPaginator

ANY = th.CustomType({"type": ["string", "number", "boolean", "null"]})
PLACE = th.ObjectType(th.Property("lat", th.NumberType), th.Property("lon", th.NumberType))
ADDRESS = th.ObjectType(
    th.Property("city", th.StringType),
    th.Property("line 2", th.StringType),
    th.Property("geo", PLACE),
    th.Property("zip", th.StringType),
)
MEMBER = th.ObjectType(
    th.Property("name", th.StringType), th.Property("role", th.StringType), th.Property("since", th.IntegerType)
)
TEXTS = (
    "Owner", "Account Name", "lastName", "firstName", "middleName", "备注", "email", "Email", "phone", "2ndPhone",
    "postalCode", "website", "fax", "createdTime", "modifiedTime", "closeDate", "lastActivity", "birthday", "stage",
    "campaign", "title", "renewal.date", "comments",
)  # fmt: skip
NUMBERS = ("amount", "budget", "exchangeRate", "upsell")
WHOLE = ("externalId", "accountKey", "stamp")
FIRST_PAGE = th.PropertiesList(
    th.Property("id", th.StringType, required=True),
    *(th.Property(name, th.StringType) for name in TEXTS),
    *(th.Property(name, th.NumberType) for name in NUMBERS),
    *(th.Property(name, th.IntegerType) for name in WHOLE),
    th.Property("isActive", th.BooleanType),
    th.Property("optedOut", th.BooleanType),
    th.Property("rating", ANY),
    th.Property("preferences", th.ObjectType()),
    th.Property("subscriptions", th.ArrayType(th.StringType)),
    th.Property("address", ADDRESS),
    th.Property("tags", th.ArrayType(ANY)),
    th.Property("members", th.ArrayType(MEMBER)),
).to_dict()
LEDGER = th.PropertiesList(
    th.Property("id", th.StringType, required=True), th.Property("serial", th.IntegerType)
).to_dict()
ONLY_THE_ID = {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": True}


class Rows(RESTStream):
    """One dataset of the vendor."""

    records_jsonpath = "$.rows[*]"
    primary_keys: ClassVar[list[str]] = ["id"]

    @property
    def url_base(self) -> str:
        return self.config["url"]

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        return BearerTokenAuthenticator(token=self.config["token"])

    def get_new_paginator(self) -> JSONPathPaginator:
        return JSONPathPaginator("$.next")

    def get_url_params(self, context, next_page_token):
        return {"cursor": next_page_token} if next_page_token else {}


class Unchecked(Rows):
    """The same with values left as they came."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE


class Vendor(Tap):
    """The tap."""

    name = "tap-vendor"
    config_jsonschema = th.PropertiesList(
        *(th.Property(name, th.StringType, required=True) for name in ("url", "token", "dataset", "mode"))
    ).to_dict()

    def discover_streams(self) -> list[Rows]:
        dataset = self.config["dataset"]
        if self.config["mode"] == "careful":
            return [Unchecked(self, dataset, ONLY_THE_ID, f"/{dataset}")]
        return [Rows(self, dataset, FIRST_PAGE if dataset == "contacts" else LEDGER, f"/{dataset}")]


if __name__ == "__main__":
    Vendor.cli()
