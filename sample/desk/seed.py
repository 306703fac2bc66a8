"""The sample records the desk starts with."""

from typing import Any


def _account(id_: str, name: str, region: str, email: str, limit: str) -> dict[str, Any]:
    return {
        "id": id_,
        "name": name,
        "region": region,
        "tier": "Team",
        "billing_email": email,
        "credit_limit": limit,
        "refund_status": "none",
        "last_contact_reason": "billing question",
        "owner_note": "",
    }


def _order(id_: str, account: str, charges: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "id": id_,
        "account_id": account,
        "currency": "USD",
        "charges": [{"id": charge, "amount": amount, "refunded": 0} for charge, amount in charges],
        "charged": sum(amount for _, amount in charges),
        "card": "visa 4111 1111 1111 4242",
        "refunds": [],
    }


RECORDS: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        _account("acct_5521", "Birch & Co", "EU", "ap@birch.example", "5000.00"),
        _account("acct_5522", "Alder Books", "EU", "office@alder.example", "800.00"),
        _account("acct_7001", "Juniper Labs", "US", "pay@juniper.example", "12000.00"),
        _account("acct_7002", "Lakeside Dental", "US", "desk@lakeside.example", "300.00"),
    ],
    "orders": [
        _order("48213", "acct_5521", [("ch_3PqRa1", 24000), ("ch_3PqRa2", 24000)]),
        _order("48377", "acct_5522", [("ch_3PqRb1", 118000)]),
        _order("48401", "acct_5522", [("ch_3PqRc1", 6000), ("ch_3PqRc2", 6000)]),
        _order("51002", "acct_7001", [("ch_3PqRd1", 99000)]),
    ],
    "tickets": [
        {"id": "88213", "account_id": "acct_5521", "subject": "Charged twice", "status": "open", "note": ""},
        {"id": "88214", "account_id": "acct_5522", "subject": "Invoice copy", "status": "open", "note": ""},
        {"id": "88301", "account_id": "acct_7001", "subject": "Change of tier", "status": "pending", "note": ""},
        # Enough of one kind for a step over many records.
        *(
            {
                "id": str(90001 + n),
                "account_id": "acct_5522",
                "subject": f"Parcel {n + 1} late",
                "status": "open",
                "note": "",
            }
            for n in range(24)
        ),
    ],
    "refunds": [],
    "mail": [],
}
