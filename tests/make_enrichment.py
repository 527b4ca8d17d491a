#!/usr/bin/env python3
"""Write tests/enrichment/: two small MaxMind-format databases for the addresses of sample-logs/.

    pip install mmdb_writer && python3 tests/make_enrichment.py

Nobody real is in them: the ranges are those kept for documentation, the numbers those kept for documentation (RFC 5398), the
names invented. country.mmdb has MaxMind's fields; asn.mmdb has those that other vendors use.
"""
import pathlib

from mmdb_writer import MMDBWriter
from netaddr import IPSet

FOLDER = pathlib.Path(__file__).parent / "enrichment"
PLACES = [
    # networks, country, number, organisation
    (["198.51.100.0/24", "2001:db8:40::/48"], "SE", 64496, "Juniper Shop AB"),
    (["192.0.2.128/25"], "PT", 64500, "Hotel Wi-Fi, Lda"),
    (["192.0.2.0/25"], "US", 64505, "Hosted Runners"),
    (["203.0.113.0/24"], "NL", 64511, "=Cheap Servers"),
]


def write(name, record):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=name, description=f"Invented: {name}")
    for networks, *facts in PLACES:
        writer.insert_network(IPSet(networks), record(*facts))
    writer.to_db_file(str(FOLDER / f"{name}.mmdb"))


write("country", lambda country, number, name: {"country": {"iso_code": country, "names": {"en": country}}})
write("asn", lambda country, number, name: {"asn": f"AS{number}", "as_name": name})
