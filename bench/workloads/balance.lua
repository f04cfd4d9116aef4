-- Balances: KEY CUSTOMERS EVERY, each of a random one of so many customers, every EVERY-th one.

local requests = {}

function prepare(headers, key, customers, every)
  for customer = 1, tonumber(customers) do
    local body = "key=" .. key .. 1 + (customer - 1) * every .. "&action=balance"
    requests[customer] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  return requests[math.random(#requests)]
end

function is_right(body)
  return body:sub(1, 12) == '{"balance":"'
end
