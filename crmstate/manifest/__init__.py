"""Manifest: text -> Desired. It reads the writer's file, says everything that is wrong with it, and trusts none of it.

This package imports nothing, so that naming it costs nothing. What others use:

    load.load, load.check, load.parse, load.Loaded          a file, or bytes, to what it means
    trust.require_trust, trust.refusals                     may the manifest reach what it refers to?
    operator.load_operator, operator.Operator               what the operator allows
    credentials.read_credential                             references to Secrets
    schema.manifest_schema                                  the JSON Schema
    starter.starter                                         the manifest that `crmstate init` writes
"""
