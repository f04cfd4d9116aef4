-- A page of the panel: KEY COOKIE, asked for again and again by somebody who has signed in.

local page

function prepare(headers, key, cookie)
  headers["Content-Type"] = nil
  headers["Cookie"] = cookie
  page = wrk.format("GET", nil, headers)
end

function request()
  return page
end

function is_right(body)
  return body:find("</html>", 1, true) and body:find("pixelpond.example", 1, true)
end
