"""People: letters, notices, and everything else that a person or an inbox does. Imports core and nothing else of ours."""
