#!/usr/bin/env python3
"""Write tests/enrichment/: three small MaxMind-format databases for the addresses of sample-logs/.

    pip install mmdb_writer && python3 tests/make_enrichment.py

Nobody real is in them: the ranges are those kept for documentation, the numbers those kept for documentation (RFC 5398), the
names invented. country.mmdb and city.mmdb have MaxMind's fields; asn.mmdb has those that other vendors use.
"""
import pathlib

from mmdb_writer import MMDBWriter, MmdbF64
from netaddr import IPSet

FOLDER = pathlib.Path(__file__).parent / "enrichment"
PLACES = [
    # networks, country, number, organisation, latitude and longitude (Stockholm, Lisbon, the middle of the states, Amsterdam)
    (["198.51.100.0/24", "2001:db8:40::/48"], "SE", 64496, "Juniper Shop AB", (59.3294, 18.0687)),
    (["192.0.2.128/25"], "PT", 64500, "Hotel Wi-Fi, Lda", (38.7167, -9.1333)),
    (["192.0.2.0/25"], "US", 64505, "Hosted Runners", (37.751, -97.822)),
    (["203.0.113.0/24"], "NL", 64511, "=Cheap Servers", (52.374, 4.8897)),
]


def write(name, record):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=name, description=f"Invented: {name}")
    for networks, *facts in PLACES:
        writer.insert_network(IPSet(networks), record(*facts))
    writer.to_db_file(str(FOLDER / f"{name}.mmdb"))


def city(country, number, name, place):
    latitude, longitude = place
    location = {"latitude": MmdbF64(latitude), "longitude": MmdbF64(longitude), "accuracy_radius": 50}
    return {"country": {"iso_code": country, "names": {"en": country}}, "location": location}


write("country", lambda country, number, name, place: {"country": {"iso_code": country, "names": {"en": country}}})
write("city", city)
write("asn", lambda country, number, name, place: {"asn": f"AS{number}", "as_name": name})
