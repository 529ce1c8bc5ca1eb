"""Reads a dataset with dlt: its declarative REST source into its filesystem destination, JSON lines.

    python with_dlt.py URL TOKEN DATASET FOLDER plain|careful

`plain` is the documented way. `careful` turns off what changes data: names stay as they are, nothing is split into
tables of its own, and text that looks like a time stays text.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import rest_api_source


def main(url: str, token: str, dataset: str, folder: Path, mode: str) -> None:
    dlt.config["runtime.dlthub_telemetry"] = False
    source = rest_api_source(
        {
            "client": {
                "base_url": url + "/",
                "auth": {"type": "bearer", "token": token},
                "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"},
            },
            "resources": [
                {"name": dataset, "primary_key": "id", "endpoint": {"path": dataset, "data_selector": "rows"}},
            ],
        },
        name="vendor",
    )
    if mode == "careful":
        source.max_table_nesting = 0
        source.schema.remove_type_detection("iso_timestamp")
    pipeline = dlt.pipeline(
        "comparison",
        destination=dlt.destinations.filesystem(bucket_url=folder.joinpath("out").as_uri()),
        dataset_name="crm",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(source)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]).absolute(), sys.argv[5])
