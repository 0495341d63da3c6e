"""Makes the workbooks in this folder: with openpyxl, and from those with LibreOffice and Gnumeric.

Usage: python3 make.py FOLDER, with python3-openpyxl, libreoffice-calc and gnumeric installed. Each workbook has the
columns company and city; the cities of some rows are blank.
"""
import datetime
import os
import shutil
import subprocess
import sys

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule, ColorScaleRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table, TableStyleInfo

CITIES = ['Berlin', None, 'Oslo', None, 'N/A', '']


def start(rows=6, top=1):
    book = Workbook()
    book.properties.created = book.properties.modified = datetime.datetime(2024, 1, 1)
    sheet = book.active
    sheet.title = 'Leads'
    for column, title in enumerate(['company', 'city', 'seats', 'since'], 1):
        sheet.cell(top, column, title)
    for at in range(rows):
        line = top + 1 + at
        sheet.cell(line, 1, f'Company {at} & Söhne')
        if CITIES[at % len(CITIES)] is not None:
            sheet.cell(line, 2, CITIES[at % len(CITIES)])
        sheet.cell(line, 3, at * 3 + 1)
        sheet.cell(line, 4, datetime.date(2020, 1, at + 1)).number_format = 'dd.mm.yyyy'
    return book, sheet


def plain():
    return start()[0]


def table():
    book, sheet = start()
    made = Table(displayName='Leads', ref='A1:D7')
    made.tableStyleInfo = TableStyleInfo(name='TableStyleMedium9', showRowStripes=True)
    sheet.add_table(made)
    sheet['F1'] = None
    book.create_sheet('Rates')['A1'] = '=SUM(Leads!C2:C7)'
    return book


def filter_and_print():
    book, sheet = start()
    sheet.auto_filter.ref = 'A1:D7'
    sheet.auto_filter.add_filter_column(2, ['1', '4', '7'])
    sheet.print_area = 'A1:D7'
    sheet.print_title_rows = '1:1'
    sheet.page_setup.orientation = 'landscape'
    sheet.oddFooter.center.text = 'Page &P of &N'
    book.defined_names.append(DefinedName('Seats', attr_text='Leads!$C$2:$C$7'))
    return book


def formats():
    book, sheet = start()
    for cell in sheet[1]:
        cell.font = Font(bold=True, color='FFFFFFFF')
        cell.fill = PatternFill('solid', fgColor='FF1F4E78')
        cell.alignment = Alignment(horizontal='center', wrap_text=True)
    side = Side(style='thin', color='FF999999')
    for row in sheet.iter_rows(min_row=2, max_row=7, max_col=4):
        for cell in row:
            cell.border = Border(left=side, right=side, top=side, bottom=side)
            if cell.row % 2 == 0:
                cell.fill = PatternFill('solid', fgColor='FFDDEBF7')
    sheet.column_dimensions['A'].width = 28
    sheet.row_dimensions[1].height = 30
    return book


def conditional():
    book, sheet = start()
    sheet.conditional_formatting.add('C2:C7', ColorScaleRule(start_type='min', start_color='AA0000', end_type='max', end_color='00AA00'))
    sheet.conditional_formatting.add('B2:B7', CellIsRule(operator='equal', formula=['"Oslo"'], fill=PatternFill(bgColor='FFFFC7CE')))
    check = DataValidation(type='list', formula1='"Berlin,Oslo,Rome"', allow_blank=True)
    sheet.add_data_validation(check)
    check.add('B2:B7')
    return book


def comments():
    book, sheet = start()
    sheet['A2'].comment = Comment('Met at the fair', 'Ann')
    sheet['B3'].comment = Comment('Please fill', 'Ann')
    sheet['A3'].hyperlink = 'https://a.example/?q=1&r=2'
    sheet['A4'].hyperlink = '#Other!A1'
    book.create_sheet('Other')
    return book


def title():
    book, sheet = start(top=4)
    sheet['A1'] = 'Leads of the fair'
    sheet.merge_cells('A1:H1')
    sheet.freeze_panes = 'B5'
    return book


def hidden():
    book, sheet = start()
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions['C'].hidden = True
    sheet.row_dimensions.group(5, 6, outline_level=1, hidden=False)
    sheet.column_dimensions.group('D', 'D', outline_level=1, hidden=False)
    book.create_sheet('Secret').sheet_state = 'veryHidden'
    return book


def chart():
    book, sheet = start()
    made = BarChart()
    made.add_data(Reference(sheet, min_col=3, min_row=1, max_row=7), titles_from_data=True)
    sheet.add_chart(made, 'A12')
    return book


def chart_sheet():
    book, sheet = start()
    sheets = book.create_chartsheet('Graph')
    graph = BarChart()
    graph.add_data(Reference(sheet, min_col=3, min_row=1, max_row=7))
    sheets.add_chart(graph)
    return book


def protected():
    book, sheet = start()
    sheet.protection.sheet = True
    for row in sheet['B2:B7']:
        row[0].protection = Protection(locked=False)
    return book


def formulas():
    book, sheet = start()
    sheet['E1'] = 'double'
    for line in range(2, 8):
        sheet.cell(line, 5, f'=C{line}*2')
    sheet['C8'] = '=SUM(C2:C7)'
    sheet['A8'] = 'Total'
    return book


def mac_dates():
    book, _ = start()
    book.epoch = CALENDAR_MAC_1904
    return book


def whole_columns():
    book, sheet = start()
    sheet.column_dimensions['E'].width = 12
    sheet.column_dimensions['E'].min, sheet.column_dimensions['E'].max = 5, 16384
    sheet['G4'] = 'a remark'
    sheet.merge_cells('A9:I9')
    sheet['A9'] = 'Source: the fair, 2024, all rights reserved by its hosts'
    return book


MAKERS = [plain, table, filter_and_print, formats, conditional, comments, title, hidden, chart, chart_sheet, protected, formulas, mac_dates, whole_columns]

folder = os.path.abspath(sys.argv[1])
os.makedirs(folder, exist_ok=True)
for maker in MAKERS:
    name = maker.__name__.replace('_', '-')
    own = os.path.join(folder, f'openpyxl-{name}.xlsx')
    maker().save(own)
    if maker in (plain, table, filter_and_print, formats, conditional, comments, title, hidden, chart, formulas):
        out = os.path.join(folder, 'out')
        subprocess.run(['soffice', '--headless', '--convert-to', 'xlsx:Calc MS Excel 2007 XML', '--outdir', out, own], check=True, capture_output=True)
        shutil.move(os.path.join(out, os.path.basename(own)), os.path.join(folder, f'libreoffice-{name}.xlsx'))
    if maker in (plain, filter_and_print, formats, conditional, comments, hidden, formulas):
        subprocess.run(['ssconvert', '-T', 'Gnumeric_Excel:xlsx2', own, os.path.join(folder, f'gnumeric-{name}.xlsx')], check=True, capture_output=True)
shutil.rmtree(os.path.join(folder, 'out'), ignore_errors=True)
