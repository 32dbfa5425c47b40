"""The style sheet, made from the semantic colours. Qt-free."""

from __future__ import annotations

from string import Template

from app.core.assets import ASSETS
from app.ui.looks.tokens import Tokens, blend

_SHEET = Template("""
QMainWindow, QDialog { background: $surface; }
QMainWindow::separator { background: $surface; width: 6px; height: 6px; }
#panel[tabbed="true"] { border: 1px solid $line; border-radius: 8px; }
QMainWindow::separator:hover { background: $accent; }
QToolBar { border: none; padding: 0; margin: 0; spacing: 0; background: $surface; }
QMenuBar { border: none; background: $surface; padding: 2px 6px; }
QMenuBar::item { padding: 3px 8px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { background: $line; height: 1px; margin: 4px 8px; }
#panel { background: $raised; border: 1px solid $line; border-top: none;
  border-bottom-left-radius: 8px; border-bottom-right-radius: 8px; }
#panelTitle { background: $raised; border: 1px solid $line; border-bottom: none;
  border-top-left-radius: 8px; border-top-right-radius: 8px; }
#panelTitle QLabel { color: $muted; font-weight: 600; letter-spacing: 1px; }
#panelTitle QToolButton { border: none; color: $muted; padding: 0 4px; background: transparent; }
#panelTitle QToolButton:hover { color: $text; }
#header { background: $raised; border-bottom: 1px solid $line; }
#notice { background: $noticeFill; border-bottom: 1px solid $line; }
#alert { background: $alertFill; border-bottom: 1px solid $bad; }
#alertCard { background: $alertFill; border: 1px solid $bad; border-radius: 6px; }
#brand { font-weight: 700; color: $text; }
#muted { color: $muted; }
#experimentBadge { color: $surface; background: $warn; border-radius: 4px; padding: 2px 8px; }
QPushButton { background: $button; border: 1px solid $line; border-radius: 5px; padding: 4px 12px; }
QPushButton:hover { border-color: $accent; }
QPushButton:pressed { background: $hover; }
QPushButton:disabled { color: $faint; background: transparent; }
QPushButton:focus { border-color: $accent; }
QPushButton#switch:checked { background: $hover; border-color: $accent; color: $accent; }
QPushButton::menu-indicator { image: none; }
QPushButton#primary { background: $accent; color: $surface; border-color: $accent;
  font-weight: 600; }
QPushButton#primary:hover { background: $accentHover; }
QPushButton#primary:disabled { background: $button; color: $faint; border-color: $line; }
QToolButton { background: $button; border: 1px solid $line; border-radius: 5px; padding: 3px 8px; }
QToolButton:hover, QToolButton:focus { border-color: $accent; }
QToolButton:checked { background: $hover; border-color: $accent; color: $accent; }
QToolButton#way { padding: 3px 5px; min-width: 14px; }
QToolButton::menu-indicator { image: none; }
QToolButton:disabled { color: $faint; background: transparent; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: $field; border: 1px solid $line;
  border-radius: 5px; padding: 3px 7px; min-height: 18px; selection-background-color: $accent; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border-color: $accent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }
QAbstractSpinBox QLineEdit { border: none; background: transparent; padding: 0 4px;
  min-height: 0; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line;
  selection-background-color: $hover; selection-color: $text; }
QComboBox::drop-down { border: none; width: 18px; }
QComboBox::down-arrow { image: none; width: 0; height: 0; border-left: 4px solid $button;
  border-right: 4px solid $button; border-top: 5px solid $muted; margin-right: 6px; }
QAbstractScrollArea { border: none; background: transparent; }
QTextEdit, QPlainTextEdit { background: $field; border: 1px solid $line; border-radius: 6px;
  padding: 6px; }
QTableView, QListView { background: transparent; gridline-color: $line; outline: none;
  selection-background-color: $hover; selection-color: $text; }
QTableView::item { padding: 0 6px; border: none; }
QTableView::item:focus { background: $hover; }
QHeaderView, QHeaderView::section { background: transparent; }
QHeaderView::section { color: $muted; border: none; border-bottom: 1px solid $line;
  padding: 3px 7px; font-weight: 600; font-size: 8.5pt; }
QTableCornerButton::section { background: transparent; border: none; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { color: $muted; padding: 5px 12px; border: none;
  border-bottom: 2px solid transparent; background: transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTabBar#talks::tab { padding: 3px 6px; }
QTabBar::scroller { width: 44px; }
QTabBar QToolButton { padding: 0; }
QCheckBox::indicator, QTableView::indicator { width: 14px; height: 14px;
  border: 1px solid $muted; border-radius: 3px; background: $field; }
QCheckBox::indicator:checked, QTableView::indicator:checked { background: $accent;
  border-color: $accent; image: url("$check"); }
QCheckBox::indicator:focus { border-color: $accent; }
QProgressBar { background: $field; border: 1px solid $line; border-radius: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 9px; margin: 0; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 24px; min-width: 24px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px; }
#each { border: none; color: $muted; padding: 0 4px; background: transparent; }
#each:hover { color: $accent; }
#details { border: none; border-top: 1px solid $line; }
#stopping { background: $raised; border: 1px solid $accent; border-radius: 10px; }
#palette { border: 1px solid $line; background: $raised; }
QListWidget::item { padding: 4px 6px; border-radius: 4px; }
QListWidget::item:selected { background: $hover; color: $text; }
QListWidget#ways::item { padding: 0 10px; border-radius: 6px; }
QListWidget#ways::item:hover { background: $button; }
QListWidget#ways::item:selected { background: $hover; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
""")


def style_sheet(tokens: Tokens) -> str:
    """Return the whole style sheet for a set of colours."""
    return _SHEET.substitute(
        surface=tokens.surface,
        raised=tokens.raised,
        line=tokens.line,
        text=tokens.text,
        muted=tokens.muted,
        warn=tokens.warn,
        accent=tokens.accent,
        bad=tokens.bad,
        hover=blend(tokens.raised, tokens.accent, 0.18),
        accentHover=blend(tokens.accent, tokens.text, 0.2),
        button=blend(tokens.raised, tokens.text, 0.06),
        field=blend(tokens.raised, tokens.surface, 0.7),
        check=(ASSETS / "icons" / f"check-{'dark' if tokens.dark else 'light'}.svg").as_posix(),
        faint=blend(tokens.raised, tokens.muted, 0.6),
        noticeFill=blend(tokens.surface, tokens.accent, 0.10),
        alertFill=blend(tokens.surface, tokens.bad, 0.14),
    )
