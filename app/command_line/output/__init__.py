"""What commands print: tables, progress, reports, QR codes, Markdown."""
