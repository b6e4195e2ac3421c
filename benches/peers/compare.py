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
    """For each column the sums over patches accepted by tuban, and the largest difference in parts of the patch's area, outlines as they came and repaired."""
    accepted = tuban[~tuban.condition.str.startswith("rejected")]
    peer = peer.loc[accepted.index]
    repaired = (accepted.condition == "repaired").to_numpy()
    result = {"patches": len(accepted), "county": int((accepted.county != peer.county).sum())}
    for column in COLUMNS:
        difference = (accepted[column] - peer[column]).abs().to_numpy() / accepted.area.to_numpy()
        largest = [float(difference[of].max(initial=0)) for of in (~repaired, repaired)]
        result[column] = {"sum": float(peer[column].sum()), "as_it_came": largest[0], "repaired": largest[1]}
    return result


def readings(survey, tuban):
    """Refused and repaired outlines, and how many of each GEOS itself reads in two ways: ground enclosed twice is out by `linework`, in by `structure`."""
    (ids,), outlines = read_geojson(survey, "JCBH")
    condition = tuban.condition.loc[ids].to_numpy(str)
    result = {}
    for name, which in (("refused", np.char.startswith(condition, "rejected")), ("repaired", condition == "repaired")):
        plane = shapely.transform(outlines[which], to_plane)
        areas = shapely.area(shapely.make_valid(plane))
        other = shapely.area(shapely.make_valid(plane, method="structure", keep_collapsed=False))
        result[name] = {
            "patches": len(plane),
            "read_in_two_ways": int((np.abs(other - areas) > 1e-6 * np.maximum(areas, other)).sum()),
            "enclose_nothing": int((np.maximum(areas, other) == 0).sum()),
            "between_m2": float(np.abs(other - areas).sum()),
        }
    return result
