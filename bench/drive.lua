-- wrk -s drive.lua URL -- SCENARIO TOKENS RUN
--
-- SCENARIO is wallet, pages, buys or mix. TOKENS is a file with an access token a line; each kind of request goes
-- through all of them in turn, so that requests under way at the same time are of different customers. RUN begins
-- every Idempotency-Key, none of which comes twice. What was measured is printed as one line of JSON.

local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
    thread:set("thread_number", #threads)
    thread:set("sent_buys", 0)
end

local heads = {} -- the head of each customer's requests, up to and with the token
local run
local body = '{"grams":"0.01"}'
local turn = { wallet = 0, pages = 0, buys = 0 }

local function next_head(kind)
    turn[kind] = turn[kind] % #heads + 1
    return heads[turn[kind]]
end

local function wallet()
    return "GET /wallet" .. next_head("wallet") .. "\r\n"
end

local function pages()
    return "GET /transactions?limit=20" .. next_head("pages") .. "\r\n"
end

local function buys()
    sent_buys = sent_buys + 1
    return string.format(
        "POST /wallet/buy%sIdempotency-Key: %s.%d.%09d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        next_head("buys"), run, thread_number, sent_buys, #body, body)
end

local mixed = { wallet, wallet, pages, wallet, wallet, buys, wallet, pages, wallet, wallet } -- 70, 20 and 10 percent
local step = 0

local function mix()
    step = step % #mixed + 1
    return mixed[step]()
end

function init(arguments)
    local scenario, tokens = arguments[1], arguments[2]
    run = arguments[3]
    for token in io.lines(tokens) do
        heads[#heads + 1] = string.format(
            " HTTP/1.1\r\nHost: %s:%s\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n",
            wrk.host, wrk.port, token)
    end
    -- Threads begin at different customers.
    local first = math.floor((thread_number - 1) * #heads / 8)
    turn = { wallet = first, pages = first, buys = first }
    if scenario == "buys" and thread_number == 1 then
        sent_buys = -1 -- wrk asks the first thread for a request to look at, which it does not send
    end
    request = ({ wallet = wallet, pages = pages, buys = buys, mix = mix })[scenario]
end

function request()
    return wallet() -- replaced by init; wrk looks whether there is one before it calls that
end

function done(summary, latency, requests)
    local sent = 0
    for _, thread in ipairs(threads) do
        sent = sent + thread:get("sent_buys")
    end
    local errors = summary.errors
    io.write(string.format(
        '\nRESULT {"answers": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, '
            .. '"sent_buys": %d}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, sent))
end
