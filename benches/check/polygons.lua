-- POSTs outlines of 50 vertices somewhere in a box: wrk ... -s polygons.lua URL -- WEST SOUTH EAST NORTH
-- At the end prints one line of JSON: requests a second, latencies in milliseconds, and how many answers were not 200.

local bodies = {}

function init(args)
    local west, south, east, north = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
    math.randomseed(1)
    for number = 1, 2000 do
        local x, y = west + math.random() * (east - west), south + math.random() * (north - south)
        local corners = {}
        for corner = 0, 49 do
            local angle, reach = corner * 2 * math.pi / 50, 0.0006 * (1 + 0.3 * math.random())
            corners[#corners + 1] = string.format("[%.9f,%.9f]", x + reach * math.cos(angle), y + reach * math.sin(angle))
        end
        corners[#corners + 1] = corners[1]
        bodies[number] = string.format('{"type":"Polygon","coordinates":[[%s]]}', table.concat(corners, ","))
    end
end

local next_one = 0

function request()
    next_one = next_one % #bodies + 1
    return wrk.format("POST", "/api/check", { ["Content-Type"] = "application/geo+json" }, bodies[next_one])
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('{"per_s":%.0f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d}\n', summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
