"""Do the peers and tuban say the same? Column by column, over the patches that tuban accepted; and what it refused."""

import numpy as np
import pandas
import shapely

from ground import read_geojson, to_plane

COLUMNS = ("area", "farmland", "basic_farmland", "red_line", "approved")
NO_COUNTY = ""


def findings(path, peer):
    """A peer's CSV by patch id, columns under the peers' names."""
    table = pandas.read_csv(path, dtype=dict.fromkeys(("id", "patch_id", "county", "county_code", "condition"), str))
    if peer == "tuban":
        table = table.rename(columns={"patch_id": "id", "county_code": "county", **{f"{column}_m2": column for column in COLUMNS}})
    table["county"] = table["county"].fillna(NO_COUNTY)
    return table.set_index("id")


def compared(tuban, peer):
    """Sums over the patches accepted by tuban, and the largest differences, apart for outlines as they came and for repaired ones."""
    accepted = tuban[~tuban.condition.str.startswith("rejected")]
    peer = peer.loc[accepted.index]
    repaired = accepted.condition == "repaired"
    result = {"patches": len(accepted), "county": int((accepted.county != peer.county).sum())}
    for column in COLUMNS:
        difference = (accepted[column] - peer[column]).abs()
        result[column] = {
            "sum": float(peer[column].sum()),
            "as_it_came": largest(difference[~repaired], accepted.area),
            "repaired": largest(difference[repaired], accepted.area),
        }
    return result


def largest(difference, area):
    """The largest difference, m², and the largest in parts of its patch's area."""
    return [float(of.max()) if len(of) else 0.0 for of in (difference, difference / area.loc[difference.index])]


def readings(survey, tuban):
    """Refused and repaired outlines, and how many of each GEOS itself reads in two ways: ground enclosed twice is out by `linework`, in by `structure`."""
    (ids,), outlines = read_geojson(survey, "JCBH")
    plane = shapely.transform(outlines, to_plane)
    tuban = tuban.loc[ids]
    result = {}
    for name, which in (("refused", tuban.condition.str.startswith("rejected")), ("repaired", tuban.condition == "repaired")):
        outlines = plane[which.to_numpy()]
        linework = shapely.area(shapely.make_valid(outlines))
        structure = shapely.area(shapely.make_valid(outlines, method="structure", keep_collapsed=False))
        apart = np.abs(structure - linework)
        result[name] = {
            "patches": len(outlines),
            "read_in_two_ways": int((apart > 1e-6 * np.maximum(linework, structure)).sum()),
            "enclose_nothing": int((np.maximum(linework, structure) == 0).sum()),
            "apart_m2": float(apart.sum()),
            "from_tuban_m2": float(np.abs(linework - tuban.area[which]).max()),
        }
    return result
