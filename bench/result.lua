-- A script for wrk. With the variable BODY it sends POST requests with that JSON body.
-- At the end it prints the results as one line of JSON.
local body = os.getenv("BODY")
if body then
  wrk.method = "POST"
  wrk.body = body
  wrk.headers["Content-Type"] = "application/json"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"rate": %f, "p50": %f, "p99": %f, "refused": %d, "failed": %d}\n',
    summary.requests * 1e6 / summary.duration,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
