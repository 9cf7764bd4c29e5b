"""What a cluster is: a frozen `Site`, read from a YAML profile; no cluster is named in code.

A profile is found in the folders of ``HPCFLOW_LUMI_SITES`` (separated by ``:``), then in the user's
``~/.config/hpcflow-lumi/sites``, then among those shipped.
"""

from hpcflow.site.billing import Bill, Billing, Energy, Term
from hpcflow.site.find import available_sites, load_site, site_folders
from hpcflow.site.model import (
    Container,
    Evidence,
    GpuShare,
    Launcher,
    Mistake,
    Modules,
    NodeType,
    Partition,
    Site,
    Storage,
    Temporary,
    Topology,
)
from hpcflow.site.notation import (
    format_decimal,
    format_memory,
    format_time,
    parse_bytes,
    parse_memory,
    parse_time,
)
from hpcflow.site.read import read_site

__all__ = [
    "Bill",
    "Billing",
    "Container",
    "Energy",
    "Evidence",
    "GpuShare",
    "Launcher",
    "Mistake",
    "Modules",
    "NodeType",
    "Partition",
    "Site",
    "Storage",
    "Temporary",
    "Term",
    "Topology",
    "available_sites",
    "format_decimal",
    "format_memory",
    "format_time",
    "load_site",
    "parse_bytes",
    "parse_memory",
    "parse_time",
    "read_site",
    "site_folders",
]
