-- Balances: KEY CUSTOMERS, each of a random customer.

local requests = {}

function prepare(headers, key, customers)
  for customer = 1, tonumber(customers) do
    requests[customer] = wrk.format("POST", nil, headers, "key=" .. key .. customer .. "&action=balance")
  end
end

function request()
  return requests[math.random(#requests)]
end

function is_right(body)
  return body:sub(1, 12) == '{"balance":"'
end
