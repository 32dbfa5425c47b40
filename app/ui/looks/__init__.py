"""How things look: colours, shapes, style sheet, tables."""
