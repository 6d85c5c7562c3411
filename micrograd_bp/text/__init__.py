"""Graphs in words: labels and numbers, operations as formulas, tables, explanations."""
