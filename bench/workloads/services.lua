-- The list of services: KEY CUSTOMERS ENCODING LENGTH_MIN, each for a random customer. Any other server is asked the
-- same, and answers what it likes.

local requests = {}
local length_min

function prepare(headers, key, customers, encoding, least)
  length_min = tonumber(least)
  headers["Accept-Encoding"] = encoding
  for customer = 1, tonumber(customers) do
    requests[customer] = wrk.format("POST", nil, headers, "key=" .. key .. customer .. "&action=services")
  end
end

function request()
  return requests[math.random(#requests)]
end

function is_right(body)
  return #body >= length_min
end
