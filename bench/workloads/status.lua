-- Status of 100 own orders: KEY CUSTOMERS EVERY OWNERS FIRST_ORDER, each of a random one of so many customers, every
-- EVERY-th one. The n-th customer has every OWNERS-th order from FIRST_ORDER + n - 1 on.

local requests = {}

function prepare(headers, key, customers, every, owners, first)
  for chosen = 1, tonumber(customers) do
    local customer = 1 + (chosen - 1) * every
    local orders = {}
    for number = 0, 99 do
      orders[number + 1] = string.format("%d", first + customer - 1 + number * owners)
    end
    local body = "key=" .. key .. customer .. "&action=status&orders=" .. table.concat(orders, ",")
    requests[chosen] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  return requests[math.random(#requests)]
end

function is_right(body)
  return body:find('"charge":"', 1, true) and not body:find('"error"', 1, true)
end
