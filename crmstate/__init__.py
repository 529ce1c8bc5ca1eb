"""crmstate takes a company out of its CRM: safely, on time, and with proof."""

__version__ = "0.2.0"
