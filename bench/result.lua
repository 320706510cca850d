-- For wrk: with a body in BODY, POST it; at the end print the result as JSON.
local body = os.getenv("BODY")
if body then
  wrk.method = "POST"
  wrk.body = body
  wrk.headers["Content-Type"] = "application/json"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"rate": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests * 1e6 / summary.duration,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
