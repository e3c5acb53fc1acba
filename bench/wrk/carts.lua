-- One workload on carts, for wrk. Arguments: OPERATION FIRST CARTS LINES WARM_MS
--   OPERATION   add | edit | get | mix (of 100: 80 get, 10 add, 10 edit)
--   FIRST       the number of the first cart, CARTS how many: users are drawn from them evenly
--   LINES       of each cart: a line is drawn evenly; a write never makes or removes one
--   WARM_MS     not counted: connections are made, caches filled
-- Prints one line, `BENCH {json}`. rate: answers a second after the warm-up. In a closed loop every request but the
-- first of each connection is sent because an answer has come, so sent requests are counted, with a clock of our own.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long ns; } bench_time;
  int clock_gettime(int clock, bench_time *now);
]]
local monotonic = 1
local moment = ffi.new("bench_time")

local function now()
  ffi.C.clock_gettime(monotonic, moment)
  return tonumber(moment.s) + tonumber(moment.ns) * 1e-9
end

local threads = {}

function setup(thread)
  thread:set("number", #threads + 1)
  table.insert(threads, thread)
end

local operation, first, carts, lines, warm_s
local random = math.random
local began -- the first request's time
sent, first_sent, first_at, last_sent, last_at = 0, 0, 0, 0, 0

-- 0.01 a time, so that no line reaches the largest quantity in a run of any length.
local add_tail = '","quantite":0.01}'

local function patch(route, user, article, tail)
  local length = 15 + #article + #tail
  return "PATCH /paniers/" .. route .. "/" .. user .. " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    .. "Content-Length: " .. length .. '\r\n\r\n{"article_id":"' .. article .. tail
end

local function get(user)
  return "GET /paniers/" .. user .. " HTTP/1.1\r\nHost: bench\r\n\r\n"
end

-- Names of one width, as the carts were filled with (carts.py).
local function user() return "u" .. (10000000 + first + random(0, carts - 1)) end
local function article() return "a" .. (1000 + random(1, lines)) end
local function add() return patch("add_to_cart", user(), article(), add_tail) end
-- Another quantity than before, 999 times of 1,000: setting the same one writes nothing.
local function edit() return patch("edit_cart", user(), article(), '","quantite":' .. random(1, 1000) .. "}") end

local next_request = {
  add = add,
  edit = edit,
  get = function() return get(user()) end,
  mix = function()
    local of_100 = random(1, 100)
    if of_100 <= 80 then return get(user()) end
    if of_100 <= 90 then return add() end
    return edit()
  end,
}

function init(arguments)
  operation, first, carts = next_request[arguments[1]], tonumber(arguments[2]), tonumber(arguments[3])
  lines, warm_s = tonumber(arguments[4]), tonumber(arguments[5]) / 1000
  assert(operation and first and carts and lines and warm_s, "OPERATION FIRST CARTS LINES WARM_MS")
  -- Others in every slice: a slice that drew as the one before would edit the same lines to the quantities that they have.
  local start = now()
  math.randomseed(number + math.floor(start % 1000 * 1e6))
end

function request()
  local time = now()
  sent = sent + 1
  began = began or time
  if first_at == 0 and time - began >= warm_s then first_sent, first_at = sent, time end
  last_sent, last_at = sent, time
  return operation()
end

function done(summary, latency)
  local rate = 0
  for _, thread in ipairs(threads) do
    local seconds = thread:get("last_at") - thread:get("first_at")
    if thread:get("first_at") > 0 and seconds > 0 then
      rate = rate + (thread:get("last_sent") - thread:get("first_sent")) / seconds
    end
  end
  local errors = summary.errors
  print(string.format('BENCH {"rate":%.3f,"requests":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,'
    .. '"mean_us":%.1f,"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}}',
    rate, summary.requests, latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency:percentile(99.9), latency.max, latency.mean,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
