"""Views: plans, events, findings and states as text, Markdown and JSON, in English and Chinese. They make no
decisions."""
