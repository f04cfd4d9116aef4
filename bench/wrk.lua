-- A load of requests: `wrk -t1 -s wrk.lua URL -- SCRIPT ARGUMENTS...`. The script defines `prepare(headers, ...)`,
-- which gets the arguments, `request()`, and `is_right(body)`.

wrong = 0 -- global, so that `done` can read it in each thread
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  dofile(args[1])
  local headers = { Host = wrk.headers.Host, ["Content-Type"] = "application/x-www-form-urlencoded" }
  prepare(headers, unpack(args, 2))
end

function response(status, headers, body)
  if status ~= 200 or not is_right(body) then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local wrong_answers = 0
  for _, thread in ipairs(threads) do
    wrong_answers = wrong_answers + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), wrong_answers, errors.connect, errors.read, errors.write,
    errors.timeout))
end
