-- Orders by API: `wrk -t1 -s add.lua URL -- KEY CUSTOMERS SERVICE FIRST_LINK`, each for a random customer and a link
-- of its own. All but the link is put together beforehand, so that a request costs wrk one concatenation.

local heads = {}
local link
wrong = 0 -- global: `done` asks each thread for it
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local key, customers, service = args[1], tonumber(args[2]), args[3]
  link = tonumber(args[4])
  math.randomseed(link)
  local headers = { Host = wrk.headers.Host, ["Content-Type"] = "application/x-www-form-urlencoded" }
  for customer = 1, customers do
    local body = "key=" .. key .. customer .. "&action=add&service=" .. service
      .. "&quantity=100&link=https%3A%2F%2Fpixelpond.example%2Fp%2F"
    -- The link ends in 12 digits, which stand in for the rest of the body while wrk counts its length.
    local request = wrk.format("POST", nil, headers, body .. "000000000000")
    heads[customer] = request:sub(1, -13)
  end
end

function request()
  link = link + 1
  return heads[math.random(#heads)] .. string.format("%012d", link)
end

function response(status, headers, body)
  if status ~= 200 or body:sub(1, 9) ~= '{"order":' then
    wrong = wrong + 1
  end
end

function done(summary, latency, requests)
  local wrong_answers = 0
  for _, thread in ipairs(threads) do
    wrong_answers = wrong_answers + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), wrong_answers, errors.connect + errors.read + errors.write + errors.timeout))
end
