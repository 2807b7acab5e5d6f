"""Sheets: many QR codes in one file for print, made with progress and interruptible."""
