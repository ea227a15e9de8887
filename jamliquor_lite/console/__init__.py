"""The serial console: lines that a person types and frames that a tool sends, answered side by side on one UART."""
