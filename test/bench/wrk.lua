-- Sends the requests of a file in turn and prints the result at the end; times in µs.
local requests, last = {}, 0

function init(args)
  for request in io.open(args[1], 'rb'):read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = request
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local answered = '{"requests":%d,"duration":%d,"p50":%d,"p95":%d,"p99":%d,"slowest":%d,"refused":%d,"broken":%d}\n'
  io.write(answered:format(summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    latency.max, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
