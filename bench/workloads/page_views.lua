-- A page of the panel: KEY COOKIE FIRST, asked for again and again by somebody who has signed in. The first FIRST
-- requests, one on each connection, are for the API: its process keeps a connection that begins so, and makes the pages.

local page
local api
local first

function prepare(headers, key, cookie, connections)
  first = tonumber(connections)
  api = wrk.format("POST", "/api/v2", headers, "key=" .. key .. "1&action=balance")
  headers["Content-Type"] = nil
  headers["Cookie"] = cookie
  page = wrk.format("GET", nil, headers)
end

function request()
  if first > 0 then
    first = first - 1
    return api
  end
  return page
end

function is_right(body)
  return body:sub(1, 12) == '{"balance":"' or (body:find("</html>", 1, true) and body:find("pixelpond.example", 1, true))
end
