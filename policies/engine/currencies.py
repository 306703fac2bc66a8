"""Currencies and amounts of money as people read them. Pure. The one home of which codes there are and of their digits.

Source: ISO 4217 list one (currencies and funds), published 2026-01-01 by SIX, column "minor unit".
"""

# Every code of the list, funds, metals and the two for tests and for no currency included.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF
    CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS
    VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG"""
CODES = frozenset(_CODES.split())

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
# Where it is not two. The codes of the second line have no minor unit at all: metals, bond market units, test codes.
_WHOLE = """BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"""
_DIGITS = {
    **dict.fromkeys(_WHOLE.split(), 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}

# The largest whole number of I-JSON (RFC 7493).
EXACT = 2**53 - 1


def digits_of(currency: str | None) -> int:
    """Digits after the point; two for a code the list does not name."""
    return _DIGITS.get(currency or "", 2)


def in_minor_units(amount: int, currency: str, digits: int) -> int:
    """An amount that its sender counts with so many digits after the point, in minor units by ISO 4217.

    What is less than the smallest unit counts as a whole one, so that no limit is passed by many small parts. What JSON cannot
    carry exactly stays the largest that it can, which is over every limit.
    """
    places = digits_of(currency)
    scale = int(10 ** abs(places - digits))
    found = amount * scale if places >= digits else -(-amount // scale)
    return max(-EXACT, min(found, EXACT))


def money_text(amount_minor: int, currency: str, digits: int | None = None) -> str:
    """`$240.00`, or `24,000 JPY` and `24.000 KWD` where the currency has no symbol here, from minor units.

    `digits` is for an amount that its sender counts otherwise than ISO 4217 does.
    """
    places = digits_of(currency) if digits is None else digits
    sign, (units, rest) = "−" if amount_minor < 0 else "", divmod(abs(amount_minor), 10**places)
    text = f"{units:,}.{rest:0{places}d}" if places else f"{units:,}"
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency}"
