-- Orders: KEY CUSTOMERS EVERY SERVICE FIRST_LINK, each for a random one of so many customers, every EVERY-th one, and
-- with a link of its own. All but the link is put together beforehand, so that a request costs wrk one concatenation.

local heads = {}
local link

function prepare(headers, key, customers, every, service, first)
  link = tonumber(first)
  math.randomseed(link)
  for customer = 1, tonumber(customers) do
    local body = "key=" .. key .. 1 + (customer - 1) * every .. "&action=add&service=" .. service
      .. "&quantity=100&link=https%3A%2F%2Fpixelpond.example%2Fp%2F"
    -- The link ends in 12 digits, which stand in for the rest of the body while wrk counts its length.
    heads[customer] = wrk.format("POST", nil, headers, body .. "000000000000"):sub(1, -13)
  end
end

function request()
  link = link + 1
  return heads[math.random(#heads)] .. string.format("%012d", link)
end

function is_right(body)
  return body:sub(1, 9) == '{"order":'
end
