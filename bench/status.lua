-- Status of 100 own orders: KEY CUSTOMERS FIRST_ORDER. The n-th customer has every CUSTOMERS-th order from
-- FIRST_ORDER + n - 1 on.

local requests = {}

function prepare(headers, key, customers, first)
  for customer = 1, tonumber(customers) do
    local orders = {}
    for number = 0, 99 do
      orders[number + 1] = string.format("%d", first + customer - 1 + number * customers)
    end
    local body = "key=" .. key .. customer .. "&action=status&orders=" .. table.concat(orders, ",")
    requests[customer] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  return requests[math.random(#requests)]
end

function is_right(body)
  return body:find('"charge":"', 1, true) and not body:find('"error"', 1, true)
end
