"""What stands on receipts, invoices and forms: labels, their values, rows of goods, notices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from typecase.synthesis.draws import Choice, chance, digits, fill, pick, whole
from typecase.synthesis.locales import LOCALES, draw_from_pool
from typecase.synthesis.string_numbers import (
    amount,
    bank,
    card,
    code,
    date,
    measure,
    number,
    phone,
    plain_amount,
    tax_number,
    time,
)
from typecase.synthesis.string_people import address, company, email, name

StringMaker = Callable[[np.random.Generator], str]

# Labels by what stands behind them.
_AMOUNT_LABELS = (
    "Total|Sub Total|Subtotal|Sub-total|Grand Total|Net Total|Total Amount|Total Due|Amount Due|Balance|"
    "Balance Due|Cash|Change|Change Due|Rounding|Rounding Adj|Rounding Adjustment|Rounded Total|Total Rounded|"
    "Total (RM)|Total Incl. GST|Total Excl. GST|Total GST|GST Amount|GST @6%|GST 6%|Tax|Sales Tax|"
    "Service Charge 10%|Service Charge|Discount|Disc|Item Discount|Tendered|Amount Tendered|Payment|Paid|Price|"
    "Unit Price|Deposit|Shipping|Freight|Handling|Fee|Cash Received|Total Payable|VAT 20%|VAT|"
    "Total Sales (Inclusive of GST)|Total Sales Excluding GST|Taxable Amount|Tips|Net|Gross|Opening Balance|"
    "Closing Balance|Summe|Gesamtbetrag|Zwischensumme|Gesamt|Netto|Brutto|MwSt. 19%|MwSt.|Rückgeld|Bar|Gegeben|"
    "Rechnungsbetrag|Trinkgeld|Total TTC|Total HT|TVA 20%|Sous-total|Montant|À payer|Espèces|Rendu|Net à payer|"
    "Remise|Total a pagar|Importe|Base imponible|IVA 21%|Efectivo|Cambio|Subtotal|Descuento|Total sin IVA|"
    "Valor total|Troco|Dinheiro|IVA 23%|Desconto|Total líquido|Totaal|Subtotaal|Btw 21%|Contant|Wisselgeld|"
    "Te betalen|Totale|Imponibile|IVA 22%|Contante|Resto|Sconto|Suma|Razem|Do zapłaty|Gotówka|Reszta|Kwota|Celkem|"
    "DPH 21%|K úhradě|Toplam|Ara Toplam|KDV %18|Nakit|Para Üstü|Summa|Moms 25%|Att betala|I alt|Yhteensä|Összesen|"
    "Fizetendő|Total de plată|Ukupno"
).split("|")
_NUMBER_LABELS = (
    "Invoice No|Invoice No.|Invoice #|Inv No|Receipt No|Receipt No.|Receipt #|Bill No|Order No|Order No.|Order #|"
    "Document No|Doc No|Ref No|Reference|Our ref.|Your ref.|Customer No.|Customer ID|Account No|Member No|Card No|"
    "Trans No|Transaction ID|Terminal ID|Merchant ID|Approval Code|Batch No|Trace No|Table|Table No|Table No.|"
    "Queue No|Counter|Till|Pos No|Shift|Lane|Cover|Pax|Slip No|Cashier|Check No|Chk|Serial No|Policy No|Case No|"
    "P.O. No.|PO Number|Part No|Item No|SKU|Lot|Room No|Batch|Phone|Zip Code|Rechnungsnr.|Rechnung Nr.|"
    "Kundennummer|Bestellnr.|Beleg-Nr.|Art.-Nr.|Kasse|Lieferschein Nr.|Facture N°|N° de commande|N° client|Réf.|"
    "Factura Nº|Nº de pedido|Pedido|Albarán|Fatura n.º|NIF|Factuurnummer|Klantnummer|Bonnr.|Fattura n.|Scontrino|"
    "Nr faktury|Faktura č.|Fiş No|Fatura No|Sipariş No|Fakturanr|Kvittonr|Számla|Factură nr."
).split("|")
_DATE_LABELS = (
    "Date|Invoice Date|Due Date|Order Date|Date/Time|Date & Time|Print Date|Issued|Expiry Date|Exp. Date|"
    "Valid until|Date of birth|DOB|Date received|Delivery Date|Time|Datum|Rechnungsdatum|Fällig am|Lieferdatum|"
    "Date d'échéance|Le|Fecha|Vencimiento|Data|Data de emissão|Vencimento|Vervaldatum|Scadenza|Termin płatności|"
    "Datum splatnosti|Tarih|Saat|Förfallodatum|Dato|Päivämäärä|Kelt"
).split("|")
_NAME_LABELS = (
    "Name|Full name|First name|Last name|Surname|Customer|Cashier|Served by|Salesperson|Sales Person|Attn|"
    "Attention|To|From|Bill To|Ship To|Sold To|Contact|Contact person|Manager|Prepared by|Approved by|Checked by|"
    "Requested by|Signature|Issued by|Patient|Author|cc|Subject|Re|Member|Staff|Operator|Driver|Witness|Title|"
    "Department|Company|Organization|Brand|Project|Supplier|Kunde|Ansprechpartner|Bearbeiter|Nom|Prénom|Client|"
    "Nombre|Apellidos|Cliente|Nome|Naam|Klant|Nazwisko|Jméno|Ad Soyad|Namn|Név|Nume"
).split("|")
_PLACE_LABELS = (
    "Address|Street|City|State|Country|Location|Branch|Store|Place|Delivery address|Adresse|Anschrift|Ort|"
    "Adresse de livraison|Ville|Dirección|Ciudad|Morada|Endereço|Localidade|Adres|Plaats|Indirizzo|Città|Miasto|"
    "Adresa|Město|Şehir|Adress|Osoite|Cím"
).split("|")
_CHOICE_LABELS = (
    "Yes|No|N/A|Male|Female|Single|Married|Other|None|New|Renewal|Check one|Approved|Rejected|Pending|Cash|"
    "Credit Card|Urgent|Ja|Nein|Oui|Non|Sí|Sim|Não|Nee|Sì|Tak|Nie|Ano|Ne|Evet|Hayır|High|Medium|Low|Quarterly|"
    "Annual|Daily|Weekly|Monthly|Original|Copy|Duplicate"
).split("|")
_FORM_LABELS = (
    "Comments|Remarks|Notes|Description|Description of goods|Quantity|Amount|Reason for request|Purpose|Status|"
    "Type|Category|Age|Sex|Nationality|Occupation|Marital status|Telephone|Fax|E-mail|Website|Page|Pages|"
    "Number of pages (including cover)|Date submitted|For office use only|Please print|"
    "Please type or print clearly|Do not write below this line|Continued on next page|See reverse|"
    "Social Security Number|Employer|Position|Salary|Signature of applicant|Authorized signature|"
    "Total number of employees|If yes, please explain|Check all that apply|Attach additional sheets if necessary|"
    "Test results|Sample No.|Weight|Method|Distribution|Effective date|Budget|Cost center|Estimated cost|"
    "Actual cost|Variance|Market|Region|Division|Territory|Account|Confidential|Memorandum|Telefax|Routing slip|"
    "Request form|Application form|Purchase order|Report|Schedule|Program|Objective|Results|Conclusions|"
    "Recommendations|Background|Summary|Introduction|Appendix|Table of contents|References|Exhibit|Figure|Table|"
    "Bemerkungen|Unterschrift|Bezeichnung|Menge|Einzelpreis|Observations|Désignation|Quantité|Prix unitaire|"
    "Signature|Observaciones|Descripción|Cantidad|Firma|Descrição|Quantidade|Assinatura|Omschrijving|Aantal|"
    "Handtekening|Descrizione|Quantità|Opis|Ilość|Podpis|Popis|Množství|Açıklama|Miktar|İmza|Beskrivning|Antal|"
    "Underskrift|Kuvaus|Määrä|Megnevezés|Mennyiség|Aláírás|Denumire|Cantitate"
).split("|")
_RECEIPT_NOTICES = (
    "TAX INVOICE|SIMPLIFIED TAX INVOICE|RECEIPT|CASH BILL|CASH SALES|CASH SALE|OFFICIAL RECEIPT|INVOICE|"
    "CREDIT NOTE|DELIVERY ORDER|CUSTOMER COPY|MERCHANT COPY|DUPLICATE|REPRINT|THANK YOU|THANK YOU!|"
    "THANK YOU, PLEASE COME AGAIN|THANK YOU FOR YOUR VISIT|THANK YOU. PLEASE COME AGAIN.|PLEASE COME AGAIN|"
    "HAVE A NICE DAY|GOODS SOLD ARE NOT RETURNABLE|GOODS SOLD ARE NOT REFUNDABLE|"
    "GOODS SOLD ARE NOT RETURNABLE OR EXCHANGEABLE|EXCHANGE WITHIN 7 DAYS WITH RECEIPT|NO REFUND|NO EXCHANGE|"
    "PLEASE KEEP THIS RECEIPT|THIS IS A COMPUTER GENERATED INVOICE|NO SIGNATURE REQUIRED|GST SUMMARY|TAX SUMMARY|"
    "QTY UNIT PRICE AMOUNT (RM)|QTY DESCRIPTION AMOUNT|ITEM QTY PRICE AMOUNT|DESCRIPTION QTY PRICE TOTAL|"
    "CODE/DESC PRICE DISC AMOUNT|QTY RM RM|TAX CODE % AMT (RM) TAX (RM)|TAX(RM)|AMOUNT (RM)|AMT(RM)|U/PRICE|"
    "UNIT PRICE|S/PRICE|QTY|UOM|DESC|ITEM|ITEM(S)|PRICE|AMOUNT|TOTAL|TAX|CODE|RM|PC|PCS|EA|SR|ZR|ZRL|S|Z|DINE IN|"
    "TAKE AWAY|TAKEAWAY|EAT-IN|DELIVERY|SELF COLLECT|WALK-IN|VISA CARD|DEBIT CARD|CREDIT CARD|"
    "PRICE INCLUSIVE OF GST|PRICES ARE INCLUSIVE OF 6% GST|GST @6% INCLUDED|ALL PRICES ARE INCLUSIVE OF GST|"
    "*GST INCLUDED|ROUNDING ADJUSTMENT|(INCLUSIVE OF GST)|INCL. GST|TOTAL QTY|NO. OF ITEMS|TOTAL ITEMS|"
    "FOR ANY ENQUIRY, PLEASE CONTACT US|LIKE AND FOLLOW US ON FACEBOOK|CUSTOMER SERVICE|OPEN DAILY|OPERATING HOURS|"
    "BUSINESS HOURS|VIELEN DANK FÜR IHREN EINKAUF|ES BEDIENTE SIE|MERCI DE VOTRE VISITE|À BIENTÔT|"
    "GRACIAS POR SU VISITA|OBRIGADO E VOLTE SEMPRE|BEDANKT EN TOT ZIENS|GRAZIE E ARRIVEDERCI|DZIĘKUJEMY|"
    "DĚKUJEME ZA NÁKUP|TEŞEKKÜR EDERİZ|TACK OCH VÄLKOMMEN ÅTER|KÖSZÖNJÜK|FACTURE|RECHNUNG|QUITTUNG|FACTURA|TICKET|"
    "RECIBO|FATURA|BON|FATTURA|SCONTRINO|PARAGON FISKALNY|FAKTURA|KVITTO|ÁFA|TVA|IVA"
).split("|")
_GOODS = (
    "BREAD MILK RICE EGG CHICKEN BEEF FISH TEA COFFEE KOPI TEH ICE WATER JUICE COLA BEER WINE SUGAR SALT OIL "
    "BUTTER CHEESE NASI GORENG MEE ROTI AYAM IKAN SAYUR KUEH CAKE BUN PASTA PIZZA SOUP SALAD BURGER FRIES APPLE "
    "ORANGE BANANA TOMATO POTATO ONION GARLIC PAPER PEN BOOK FILE FOLDER CLIP TAPE GLUE INK TONER CABLE PLUG "
    "SWITCH LAMP BULB BATTERY SCREW NAIL DRILL HAMMER PAINT BRUSH PIPE VALVE WIRE HOSE BOLT SHIRT PANTS SHOES "
    "SOCKS BAG BELT HAT TOWEL SOAP SHAMPOO TISSUE CREAM TABLET VITAMIN PLASTER TOY CARD CLAY GIFT CANDLE VASE CUP "
    "PLATE SPOON KNIFE PAN POT SET BOX PACK BTL CAN TIN TUBE ROLL SHEET A4 80GSM 500ML 1.5L 2KG 6PCS S M L XL RED "
    "BLUE BLACK WHITE GREEN ASSORTED SPICY FRESH FROZEN HOT COLD MINI JUMBO PREMIUM CLASSIC ORGANIC Petrol Diesel "
    "Unleaded Parking Service Labour Delivery Repair Rental"
).split()
_LEADERS = (
    "......",
    "..........",
    "....................",
    "------",
    " . . . . .",
    "----------",
    "=",
)
_PRICE_SIZES = Choice({0: 1.5, 1: 5.0, 2: 5.0, 3: 1.2, 4: 0.3})
_CASES = Choice({"upper": 0.45, "as is": 0.45, "lower": 0.04, "title": 0.06})


def cased(generator: np.random.Generator, text: str) -> str:
    """A label as print would have it: in capitals, as written, or with every word's first letter large."""
    case = _CASES.draw(generator)
    if case == "upper":
        return text.upper()
    if case == "lower":
        return text.lower()
    return text.title() if case == "title" else text


def _colon(generator: np.random.Generator) -> str:
    """What stands between a label and its value."""
    return pick(generator, (": ", ": ", ": ", ":", " : ", " ", " ", ". ", ".: ", " = ", " - ", " :"))


def key_value(generator: np.random.Generator, money: StringMaker = amount) -> str:
    """A label and its value, or one of them alone with the colon; sums of money are drawn by `money`."""
    draw = generator.random()
    if draw < 0.4:
        label, value = pick(generator, _AMOUNT_LABELS), money(generator)
    elif draw < 0.65:
        makers = (code, code, code, number, card, tax_number, phone, bank, _slashed)
        label, value = pick(generator, _NUMBER_LABELS), pick(generator, makers)(generator)
    elif draw < 0.8:
        label, value = pick(generator, _DATE_LABELS), pick(generator, (date, date, date, time, _stamp))(generator)
    elif draw < 0.93:
        label, value = pick(generator, _NAME_LABELS), pick(generator, (name, name, company, email))(generator)
    else:
        label, value = pick(generator, _PLACE_LABELS), address(generator)
    label = cased(generator, label)
    part = generator.random()
    if part < 0.16:
        return label + pick(generator, (":", ":", ":", " :", "", "(RM)", " (RM):", ".", " #", "#:", " RM"))
    if part < 0.22:
        return f"{pick(generator, (':', ': ', '- ', '= ', '@ ', '# ', '#'))}{value}"
    if part < 0.28:
        return f"{label} {pick(generator, _LEADERS)} {value}"
    return f"{label}{_colon(generator)}{value}"


def _slashed(generator: np.random.Generator) -> str:
    return f"{whole(generator, 1, 9999)}/{digits(generator, pick(generator, (2, 4, 5)))}"


def _stamp(generator: np.random.Generator) -> str:
    return f"{date(generator)} {time(generator)}"


def item(generator: np.random.Generator) -> str:
    """The name of something that is sold."""
    words = [pick(generator, _GOODS) for _ in range(whole(generator, 1, 4))]
    if chance(generator, 0.3):
        words[whole(generator, 0, len(words) - 1)] = draw_from_pool(generator, "word").upper()
    if chance(generator, 0.25):
        words.append(measure(generator))
    text = pick(generator, (" ", " ", " ", " ", "-", "/", " & ", ".")).join(words)
    if chance(generator, 0.08):
        text += pick(generator, (" (S)", " (L)", "*", " @", " - R", "/PC", "'S", " <I>", " [R]", " #1", "+"))
    return text.title() if chance(generator, 0.25) else text


def item_row(generator: np.random.Generator, money: StringMaker = amount) -> str:
    """A row of an invoice or receipt: number, name, quantity, prices, in one of their many orders."""
    count = str(whole(generator, 1, 30)) if chance(generator, 0.8) else plain_amount(generator, pick(generator, (2, 3)))
    price, total = money(generator), money(generator)
    article = pick(generator, (digits(generator, 13), digits(generator, 6), code(generator)))
    what = item(generator)
    times = pick(generator, (" x ", " X ", "x", "X", " @ ", "@", " * ", " × "))
    return pick(
        generator,
        (
            f"{what} {total}",
            f"{what} {count} {price} {total}",
            f"{count} {what} {total}",
            f"{count} {what} {price} {total}",
            f"{article} {what}",
            f"{article} {count}{times}{price} {total}",
            f"{count}{times}{price}",
            f"{count}{times}{price} {total}",
            f"{count} PC {price} {total}",
            f"{count}{times}{what}",
            f"{what}",
            f"{what}",
            f"{whole(generator, 1, 20)}. {what}",
            f"{article}",
            f"{price} {pick(generator, ('S', 'SR', 'Z', 'T', '*', 'A'))}",
            f"{count} {measure(generator)} {what}",
            f"{pick(generator, ('-', '*', '+', '#', '@'))}{what} {total}",
        ),
    )


def price(generator: np.random.Generator) -> str:
    """A sum as a cash register prints it: a point, two places, seldom more than hundreds."""
    cents = digits(generator, 2) if chance(generator, 0.5) else f"{whole(generator, 0, 9)}0"
    text = f"{int(generator.random() * 10 ** _PRICE_SIZES.draw(generator))}.{cents}"
    return text.replace(".", ",") if chance(generator, 0.06) else text


def till_amount(generator: np.random.Generator) -> str:
    """A price with what registers set before and behind it, or now and then a sum of any other manner."""
    draw = generator.random()
    if draw < 0.62:
        return price(generator)
    if draw < 0.82:
        return pick(generator, ("RM", "RM ", "$", "-", "*", "-RM", "€", "RM-", "$ ", "£", "@", "x ")) + price(generator)
    if draw < 0.92:
        return price(generator) + pick(
            generator, (" S", " SR", " *", " T", " Z", "S", "-", "%", " A", " B", "T", "Z", " N")
        )
    return amount(generator)


def receipt_line(generator: np.random.Generator) -> str:
    """A line of a receipt as cash registers print it, most of them in capitals."""
    draw = generator.random()
    if draw < 0.22:
        text = pick(generator, _RECEIPT_NOTICES)
    elif draw < 0.5:
        text = key_value(generator, till_amount)
    elif draw < 0.66:
        text = item_row(generator, till_amount)
    elif draw < 0.78:
        text = till_amount(generator)
    elif draw < 0.83:
        text = _stamp(generator)
    elif draw < 0.88:
        text = pick(generator, (address, company, tax_number, phone))(generator)
    elif draw < 0.92:
        rows = (
            f"SR {price(generator)} {price(generator)}",
            f"SR @ 6% {price(generator)} {price(generator)}",
            f"GST {whole(generator, 0, 10)}%: {price(generator)}",
            f"CASH {price(generator)} CHANGE {price(generator)}",
            f"TOTAL QTY: {whole(generator, 1, 40)}",
            f"ITEM(S) : {whole(generator, 1, 40)} QTY(S) : {whole(generator, 1, 40)}",
            f"@DISC {price(generator)}%",
            f"S=GST @{whole(generator, 0, 10)}% Z=GST @0%",
            f"({whole(generator, 1, 20)} ITEMS)",
            f"#{fill(generator, '##')} {time(generator)}",
        )
        text = pick(generator, rows)
    else:
        text = pick(
            generator,
            (
                "*",
                "**",
                "***",
                "*****",
                "-",
                "--",
                ":",
                "=",
                "#",
                "X",
                "1",
                "0.00",
                "@",
                "%",
                "(RM)",
                "----",
                "====",
                "RM",
            ),
        )
    return text.upper() if chance(generator, 0.8) else text


def form_label(generator: np.random.Generator) -> str:
    """What stands printed on a form: a field's name, a box to tick, an instruction, the heading of a column."""
    draw = generator.random()
    labels = pick(
        generator,
        (_FORM_LABELS, _FORM_LABELS, _NAME_LABELS, _NUMBER_LABELS, _DATE_LABELS, _PLACE_LABELS, _AMOUNT_LABELS),
    )
    label = cased(generator, pick(generator, labels))
    if draw < 0.12:
        choice = cased(generator, pick(generator, _CHOICE_LABELS))
        return pick(
            generator,
            (
                "[ ] {}",
                "( ) {}",
                "□ {}",
                "☐ {}",
                "☑ {}",
                "[X] {}",
                "{}",
                "● {}",
                "✓ {}",
                "{}?",
            ),
        ).format(choice)
    if draw < 0.2:
        mark = pick(generator, ("{}.", "{})", "({})", "{}", "{}:")).format(
            pick(
                generator,
                (
                    str(whole(generator, 1, 40)),
                    pick(generator, "abcdefghABCDEFGH"),
                    pick(generator, ("i", "ii", "iii", "iv", "I", "II", "III", "IV", "V", "X")),
                ),
            )
        )
        return f"{mark} {label}"
    if draw < 0.26:
        return f"{label} ({cased(generator, pick(generator, _FORM_LABELS))})"
    if draw < 0.32:
        return f"{label}/{cased(generator, pick(generator, labels))}"
    if draw < 0.37:
        # The plural to be struck out: next to the word, as few other brackets are.
        label += "(S)" if label.isupper() and chance(generator, 0.7) else "(s)"
    if chance(generator, 0.03):
        return f"{label} :"
    return label + pick(generator, (":", ":", ":", ":", ":", "", "", "", ".", "?", " #", "*", ";", "…"))


def tick_box(generator: np.random.Generator) -> str:
    """Boxes to tick: alone, beside what they stand for, or several in a row; or the typed mark of a form without."""

    def box() -> str:
        return pick(generator, "☐☑")

    draw = generator.random()
    if draw < 0.15:
        return pick(generator, "xX")
    if draw < 0.5:
        return box()
    labels = [cased(generator, pick(generator, _CHOICE_LABELS)) for _ in range(whole(generator, 2, 4))]
    if draw < 0.6:
        return " ".join(f"{box()} {label}" for label in labels)
    label = labels[0] if chance(generator, 0.5) else cased(generator, pick(generator, _FORM_LABELS))
    if draw < 0.84:
        return f"{box()} {label}"
    return f"{label}{pick(generator, ('', ':'))} {box()}"


def heading(generator: np.random.Generator) -> str:
    """A heading of a page, a table or a section, in any of the languages."""
    locale = LOCALES.draw(generator)
    kinds = [pick(generator, ("word", "job", "city")) for _ in range(whole(generator, 1, 3))]
    words = [draw_from_pool(generator, kind, locale) for kind in kinds]
    text = cased(generator, " ".join(words))
    draw = generator.random()
    if draw < 0.2:
        number = pick(generator, ("1", "2", "3", "4.1", "2.3.1", "A", "II", "IV"))
        return f"{number}{pick(generator, ('. ', ' ', ') '))}{text}"
    return f"{text} {whole(generator, 1990, 2030)}" if draw < 0.3 else text
